/**
 * Makes a line of a step's output safe to print: what a test prints must not move the cursor, change
 * the window's title, write to the clipboard or hide what comes after it.
 *
 * @param colour keep colours and other text styles (SGR); the line then ends with a reset
 */
export function clean(line: string, colour: boolean): string {
  if (!hasControl.test(line)) return line
  let styled = false
  const text = overwritten(line)
    .replace(sequence, (found) => {
      if (!colour || !isStyle.test(found)) return ""
      styled = true
      return found
    })
    .replace(control, "")
  return styled ? `${text}\x1b[0m` : text
}

/** What stays of a line that rewrites itself with carriage returns, as progress bars do. */
function overwritten(line: string): string {
  const parts = line.replace(/\r+$/, "").split("\r")
  return parts.findLast((part) => part.trim() !== "") ?? ""
}

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: they are what is looked for
const hasControl = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/
const isStyle = /^\x1b\[[\d;:]*m$/
const sequence = new RegExp(
  [
    // CSI: parameters, intermediates, a final byte. Also cut off at the end of the line.
    "(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*(?:[@-~]|$)",
    // OSC, DCS, SOS, PM, APC: everything up to BEL or ST.
    "(?:\\x1b[\\]PX^_]|[\\x90\\x98\\x9d-\\x9f]).*?(?:\\x07|\\x1b\\\\|\\x9c|$)",
    // Other escapes.
    "\\x1b[ -/]*[0-~]?",
  ].join("|"),
  "g",
)
const control = /[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[\d;:]*m)/g
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: they are what is looked for
