import { posix } from "node:path"
import { HostError } from "./errors.ts"

interface Pattern {
  negated: boolean
  /** The leading segments without wildcards, and whether that is the whole pattern. */
  literal: string[]
  whole: boolean
  test: (path: string) => boolean
}

/** Which patterns matched a directory or one above it, one flag a pattern. */
export type Matched = readonly boolean[]

/**
 * A list of include or exclude patterns as BuildKit reads them (github.com/moby/patternmatcher):
 * the last pattern that matches a path or a directory above it decides, `!` takes back, `**` spans
 * directories, a leading `/` matches nothing.
 *
 * @example
 *     new Patterns(["src/**", "!src/deep"]).match("src/a.py")  // true
 * @throws HostError BAD_PATTERN
 */
export class Patterns {
  readonly #patterns: Pattern[]

  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.flatMap(parse)
  }

  /**
   * Whether `path` matches. `parent` is what its directory recorded; when `record` is given, what
   * matched is written there, to be the `parent` of the paths below.
   */
  match(path: string, parent?: Matched, record?: boolean[]): boolean {
    let matched = false
    const { length } = this.#patterns
    for (let i = 0; i < length; i++) {
      const pattern = this.#patterns[i] as Pattern
      // A pattern that cannot change the answer is not asked, and so is not recorded either:
      // ["**/*.py", "!src/deep"] takes src/deep/c.py. Odd, and what BuildKit does.
      const hit = parent?.[i] || (pattern.negated === matched && pattern.test(path))
      if (record) record[i] = hit
      if (hit) matched = !pattern.negated
    }
    return matched
  }

  /** Whether a path below `directory` may get another answer than `directory` itself got. */
  mayDifferBelow(directory: string, matched: boolean, record: Matched): boolean {
    const segments = directory.split("/")
    // Below, everything that matched here matches still: only a later pattern can change the answer.
    for (let i = record.lastIndexOf(true) + 1; i < this.#patterns.length; i++) {
      const pattern = this.#patterns[i] as Pattern
      if (pattern.negated === matched && reachesBelow(pattern, segments)) return true
    }
    return false
  }
}

function reachesBelow({ literal, whole }: Pattern, segments: string[]): boolean {
  if (whole && literal.length <= segments.length) return false
  const shared = Math.min(literal.length, segments.length)
  for (let i = 0; i < shared; i++) if (literal[i] !== segments[i]) return false
  return true
}

function parse(text: string): Pattern[] {
  const trimmed = text.trim()
  const negated = trimmed.startsWith("!")
  const bare = negated ? trimmed.slice(1) : trimmed
  if (bare === "") return []
  let glob = posix.normalize(bare)
  if (glob.length > 1) glob = glob.replace(/\/$/, "")
  if (glob === ".") glob = "*"
  const test = isWellFormed(glob) && tester(glob)
  if (!test) throw new HostError("BAD_PATTERN", text, `syntax error in pattern ${text}`)
  const segments = glob.split("/")
  const wild = segments.findIndex((s) => /[*?[\]^\\]/.test(s))
  const whole = wild < 0
  return [{ negated, whole, literal: whole ? segments : segments.slice(0, wild), test }]
}

function tester(glob: string): ((path: string) => boolean) | undefined {
  if (!/[*?[\]\\]/.test(glob)) return (path) => path === glob
  const rest = glob.slice(2)
  if (glob.startsWith("**") && !/[*?[\]\\]/.test(rest)) {
    const bare = rest.startsWith("/") ? rest.slice(1) : undefined
    return (path) => path.endsWith(rest) || path === bare
  }
  const regexp = toRegExp(glob)
  return regexp && ((path) => regexp.test(path))
}

/** Undefined where a class has its range the wrong way round. */
function toRegExp(glob: string): RegExp | undefined {
  let source = "^"
  let inClass = false
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i] as string
    if (c === "\\") source += quote(glob[++i] as string)
    else if (inClass) {
      inClass = c !== "]"
      source += c === "[" ? "\\[" : c
    } else if (c === "[") {
      inClass = true
      source += c
    } else if (c === "?") source += "[^/]"
    else if (c !== "*") source += c === "^" ? c : quote(c)
    else if (glob[i + 1] !== "*") source += "[^/]*"
    else {
      i++
      if (glob[i + 1] === "/") i++
      source += i + 1 === glob.length ? ".*" : "(?:.*/)?"
    }
  }
  try {
    return new RegExp(`${source}$`, "su")
  } catch {
    return undefined
  }
}

/** A character as it stands for itself in a regular expression, also in a class. */
export const quote = (c: string): string =>
  c === "-" ? "\\x2d" : /[\\^$.*+?()[\]{}|/]/.test(c) ? `\\${c}` : c

/** The syntax that Go's filepath.Match demands, of which patternmatcher takes no more. */
function isWellFormed(glob: string): boolean {
  let i = 0
  /** Steps over one character of a class. */
  const member = (): boolean => {
    if (i >= glob.length || glob[i] === "-" || glob[i] === "]") return false
    if (glob[i] === "\\") i++
    return ++i < glob.length
  }
  while (i < glob.length) {
    const c = glob[i++]
    if (c === "\\" && i++ >= glob.length) return false
    if (c !== "[") continue
    if (glob[i] === "^") i++
    do {
      if (!member()) return false
      if (glob[i] === "-") {
        i++
        if (!member()) return false
      }
    } while (glob[i] !== "]")
    i++
  }
  return true
}
