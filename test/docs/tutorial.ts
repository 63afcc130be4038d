/** A step of a page that is followed from its first line to its last. */
export type Step = { file: string; text: string } | { command: string; exits: number; line: number }

/**
 * The steps of a page: blocks of `sh` are commands, one a line, and other blocks are what the file has that the last paragraph
 * before them names, in backquotes.
 */
export function stepsOf(page: string): Step[] {
  const steps: Step[] = []
  let block: { kind: string; lines: string[]; at: number } | undefined
  let named = ""
  for (const [index, line] of page.split("\n").entries()) {
    const [, kind] = /^```(\w*)$/.exec(line) ?? []
    if (kind !== undefined && block === undefined) block = { kind, lines: [], at: index + 2 }
    else if (line === "```" && block !== undefined) {
      if (block.kind === "sh") {
        for (const [place, typed] of block.lines.entries()) {
          const [, exits] = /# exits with (\d+)$/.exec(typed) ?? []
          const command = typed.replace(/\s+# .*$/, "")
          steps.push({ command, exits: Number(exits ?? 0), line: block.at + place })
        }
      } else steps.push({ file: named, text: `${block.lines.join("\n")}\n` })
      block = undefined
    } else if (block !== undefined) block.lines.push(line)
    else if (line.trim() !== "") named = /`([^`]+)`[^`]*$/.exec(line)?.[1] ?? named
  }
  return steps
}
