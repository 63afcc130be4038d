import { quote } from "./patterns.ts"

/** The rules of one .gitignore file. */
export interface Rules {
  files: Decider
  directories: Decider
}

/** The rules that hold in a directory: its own .gitignore and, through `parent`, those above. */
export interface Scope {
  rules: Rules
  /** Turns a path of the tree into one relative to the .gitignore: cut `skip` characters, add `prefix`. */
  skip: number
  prefix: string
  parent: Scope | undefined
}

/** Rules by the way they are asked; numbers are places in the file: the last that matches decides. */
interface Decider {
  names: Map<string, number>
  others: { place: number; matches: (path: string, name: string) => boolean }[]
  negated: boolean[]
}

/**
 * Whether git ignores `path` (relative to the tree's root). Ignored directories must not be entered:
 * nothing below them can be taken back.
 */
export function isIgnored(
  scope: Scope | undefined,
  path: string,
  name: string,
  isDirectory: boolean,
): boolean {
  for (let s = scope; s; s = s.parent) {
    const decider = isDirectory ? s.rules.directories : s.rules.files
    const place = decide(decider, s.prefix + path.slice(s.skip), name)
    if (place >= 0) return !decider.negated[place]
  }
  return false
}

function decide({ names, others }: Decider, path: string, name: string): number {
  const named = names.get(name) ?? -1
  for (let i = others.length - 1; i >= 0; i--) {
    const rule = others[i] as Decider["others"][number]
    if (rule.place < named) break
    if (rule.matches(path, name)) return rule.place
  }
  return named
}

/** Reads a .gitignore file as git does (gitignore(5)); a pattern that is not well-formed matches nothing. */
export function parseGitignore(text: string): Rules {
  const empty = (): Decider => ({ names: new Map(), others: [], negated: [] })
  const rules = { files: empty(), directories: empty() }
  let place = 0
  for (const line of text.replace(/^\uFEFF/, "").split("\n")) {
    if (line.startsWith("#")) continue
    let glob = trimEnd(line.replace(/\r$/, ""))
    const negated = glob.startsWith("!")
    if (negated) glob = glob.slice(1)
    const directoryOnly = glob.endsWith("/")
    if (directoryOnly) glob = glob.slice(0, -1)
    if (glob === "") continue
    add(rules.directories, glob, negated, place)
    if (!directoryOnly) add(rules.files, glob, negated, place)
    place++
  }
  return rules
}

function add(decider: Decider, glob: string, negated: boolean, place: number): void {
  decider.negated[place] = negated
  const anchored = glob.includes("/")
  const pattern = glob.startsWith("/") ? glob.slice(1) : glob
  const suffix = pattern.slice(1)
  const { others } = decider
  if (!/[*?[\\]/.test(pattern)) {
    if (anchored) others.push({ place, matches: (path) => path === pattern })
    else decider.names.set(pattern, place)
  } else if (!anchored && pattern.startsWith("*") && !/[*?[\\]/.test(suffix)) {
    others.push({ place, matches: (_, name) => name.endsWith(suffix) })
  } else {
    const regexp = toRegExp(pattern)
    if (!regexp) return
    others.push({ place, matches: (path, name) => regexp.test(anchored ? path : name) })
  }
}

/** Spaces at the end do not count, except one that a backslash stands before. */
function trimEnd(line: string): string {
  const trimmed = line.replace(/ +$/, "")
  const escaped = /(?<!\\)(\\\\)*\\$/.test(trimmed)
  return escaped && trimmed !== line ? `${trimmed} ` : trimmed
}

/** git's wildmatch with WM_PATHNAME. */
function toRegExp(glob: string): RegExp | undefined {
  let source = "^"
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i] as string
    if (c === "?") source += "[^/]"
    else if (c === "\\") {
      if (++i === glob.length) return undefined
      source += quote(glob[i] as string)
    } else if (c === "[") {
      const end = classEnd(glob, i)
      if (end < 0) return undefined
      source += characterClass(glob.slice(i + 1, end))
      i = end
    } else if (c === "*") {
      const start = i
      while (glob[i + 1] === "*") i++
      const whole = (start === 0 || glob[start - 1] === "/") && i > start
      if (whole && i + 1 === glob.length) source += ".*"
      else if (whole && glob[i + 1] === "/") {
        source += "(?:.*/)?"
        i++
      } else source += "[^/]*"
    } else source += quote(c)
  }
  try {
    return new RegExp(`${source}$`, "su")
  } catch {
    return undefined
  }
}

/** Where the class that opens at `start` closes; a `]` straight after the opening belongs to it. */
function classEnd(glob: string, start: number): number {
  let i = start + 1
  if (glob[i] === "!" || glob[i] === "^") i++
  for (let first = true; i < glob.length; i++, first = false) {
    if (glob[i] === "\\") i++
    else if (glob[i] === "[" && glob[i + 1] === ":") {
      const close = glob.indexOf(":]", i + 2)
      if (close > 0) i = close + 1
    } else if (glob[i] === "]" && !first) return i
  }
  return -1
}

const POSIX: Record<string, string> = {
  alnum: "a-zA-Z0-9",
  alpha: "a-zA-Z",
  blank: " \\t",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "\\x21-\\x7e",
  lower: "a-z",
  print: "\\x20-\\x7e",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\s",
  upper: "A-Z",
  xdigit: "0-9a-fA-F",
}

function characterClass(body: string): string {
  const negated = /^[!^]/.test(body)
  const members = (negated ? body.slice(1) : body).replace(
    /\[:(\w+):\]|\\(.)|([[\]^\\])/gs,
    (_, name?: string, escaped?: string, special?: string) =>
      name ? (POSIX[name] ?? "") : special ? `\\${special}` : quote(escaped as string),
  )
  return `(?!/)[${negated ? "^" : ""}${members}]`
}
