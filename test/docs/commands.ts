import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"

const root = path.resolve(import.meta.dirname, "../..")

/** A command line that a page shows. */
export interface Shown {
  page: string
  line: number
  /** As it is to be typed: without a prompt and without the comment behind it. */
  command: string
}

/** What a line has to begin with to be a command. Lines of blocks that are marked `sh` or `console` always are one. */
const PROGRAMS =
  /^(?:\.?\/?pyline|dagger|npm|npx|node|git|docker|kubectl|ssh|ssh-keygen|ssh-keyscan|openssl|cosign|oras|curl|cat|mkdir|cd|uv|base64|travis|gh|glab|circleci)(?: (?!──)|$)/

/** All command lines of the README, of CONTRIBUTING and of the pages. */
export function commandsOfDocs(): Shown[] {
  const docs = readdirSync(path.join(root, "docs")).filter((name) => name.endsWith(".md"))
  const pages = ["README.md", "CONTRIBUTING.md", ...docs.map((name) => `docs/${name}`)]
  return pages.flatMap((page) => commandsOf(page, readFileSync(path.join(root, page), "utf8")))
}

export function commandsOf(page: string, text: string): Shown[] {
  const found: Shown[] = []
  let fence: string | undefined
  let open = ""
  let heredoc: string | undefined
  for (const [index, line] of text.split("\n").entries()) {
    const [, marker] = /^\s*```(\w*)/.exec(line) ?? []
    if (marker !== undefined) {
      fence = fence === undefined ? marker : undefined
      continue
    }
    const isShell = fence === "sh" || fence === "console"
    if (fence === undefined ? !/^ {4}/.test(line) : fence !== "" && fence !== "yaml" && !isShell)
      continue
    if (heredoc !== undefined) {
      if (line.trim() === heredoc) heredoc = undefined
      continue
    }
    const written = line.trim()
    // In a `console` block only what stands behind a prompt is typed.
    if (fence === "console" && !/^[$#] /.test(written) && open === "") continue
    const typed = `${open}${written.replace(/^(?:[$#] |- (?:run: )?'?)/, "")}`
    if (typed === "" || typed.startsWith("#")) continue
    if (!isShell && !PROGRAMS.test(typed)) continue
    if (typed.endsWith("\\")) {
      open = `${typed.slice(0, -1).trim()} `
      continue
    }
    open = ""
    heredoc = /<<-?'?(\w+)'?/.exec(typed)?.[1]
    const command = typed.replace(/\s+#(?: .*)?$/, "").trim()
    found.push({ page, line: index + 1, command })
  }
  return found
}

/** Words of a command line as a shell would split it, with variables and substitutions as they are written. */
export function wordsOf(command: string): string[] {
  const words = command.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\$\([^)]*\)|\\.|[^\s"'])+/g) ?? []
  return words.map((word) => word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, "$1$2"))
}
