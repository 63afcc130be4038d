const RED = "\x1b[1;31m"
const GREEN = "\x1b[1;32m"
const CYAN = "\x1b[36m"
const RESET = "\x1b[0m"

/** A verdict: `42 passed in 3.1 s (deps cached)`. */
const VERDICT = /^.*\b(?:passed|failed)\b.* in \d[\d.]* (?:s|min \d\d s)(?: \([a-z ]+\))?$/

/** What a verb returned, with its verdict in green. */
export function goodNews(text: string): string {
  return onLastLine(text, (line) => (VERDICT.test(line) ? `${GREEN}${line}${RESET}` : line))
}

/** Why there is no result: the first line of the error and the verdict in red, what to do in another colour. */
export function badNews(text: string): string {
  const marked = text
    .replace(/^error\[\w+\]:/gm, (code) => `${RED}${code}${RESET}`)
    .replace(/^fix:/gm, (fix) => `${CYAN}${fix}${RESET}`)
  return onLastLine(marked, (line) => (VERDICT.test(line) ? `${RED}${line}${RESET}` : line))
}

function onLastLine(text: string, change: (line: string) => string): string {
  const body = text.trimEnd()
  const start = body.lastIndexOf("\n") + 1
  return body.slice(0, start) + change(body.slice(start)) + text.slice(body.length)
}
