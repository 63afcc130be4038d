import { lines } from "./diff.ts"
import { EngineError } from "./errors.ts"

interface Hunk {
  /** Line of the old file, counted from 1. */
  at: number
  before: string[]
  after: string[]
}

/** What a patch does to one file; `null` in place of a path: the file is not there. */
export interface FilePatch {
  from: string | null
  to: string | null
  hunks: Hunk[]
}

const failed = (why: string) => new EngineError(`git apply: ${why}`)

/** Reads a patch in unified format, as `git diff` writes it. */
export function parsePatch(text: string): FilePatch[] {
  const patches: FilePatch[] = []
  const all = text.replace(/\n$/, "").split("\n")
  let current: FilePatch | undefined
  for (let i = 0; i < all.length; i++) {
    const line = all[i] as string
    if (/^(GIT binary patch|Binary files )/.test(line))
      throw failed("binary patches cannot be applied")
    if (line.startsWith("--- ") && all[i + 1]?.startsWith("+++ ")) {
      current = { from: name(line), to: name(all[++i] as string), hunks: [] }
      patches.push(current)
    } else if (line.startsWith("@@ ")) {
      const [, at, length = "1", , added = "1"] =
        /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line) ?? []
      if (!current || at === undefined) throw failed(`corrupt patch at line ${i + 1}`)
      const hunk: Hunk = { at: Number(at), before: [], after: [] }
      let [old, fresh] = [Number(length), Number(added)]
      while (old > 0 || fresh > 0) {
        const next = all[++i]
        if (next === undefined) throw failed(`corrupt patch at line ${i + 1}`)
        const kind = next[0] ?? " "
        const end = all[i + 1]?.startsWith("\\ No newline") ? "" : "\n"
        if (end === "") i++
        if (kind !== "+") hunk.before.push(next.slice(1) + end)
        if (kind !== "-") hunk.after.push(next.slice(1) + end)
        if (kind !== "+") old--
        if (kind !== "-") fresh--
      }
      current.hunks.push(hunk)
    }
  }
  if (patches.length === 0) throw failed("No valid patches in input")
  return patches
}

/** The path without its first part, `a/` or `b/`. */
function name(line: string): string | null {
  const path = line.slice(4).replace(/\t.*$/, "")
  return path === "/dev/null" ? null : path.replace(/^[^/]*\//, "")
}

/** The patched text. Hunks may have moved, but their lines have to be there. */
export function applyPatch(text: string, { from, to, hunks }: FilePatch): string {
  const file = lines(text)
  let offset = 0
  for (const { at, before, after } of hunks) {
    const wanted = Math.max(at - 1, 0) + offset
    const places = [...Array(file.length + 1).keys()].sort(
      (a, b) => Math.abs(a - wanted) - Math.abs(b - wanted),
    )
    const place = places.find((p) => before.every((line, i) => file[p + i] === line))
    if (place === undefined) throw failed(`patch failed: ${from ?? to}:${at}: patch does not apply`)
    file.splice(place, before.length, ...after)
    offset = place - Math.max(at - 1, 0) + after.length - before.length
  }
  return file.join("")
}
