/** One file before and after; `null`: it is not there. */
export interface Change {
  path: string
  before: string | null
  after: string | null
}

const CONTEXT = 3
/** Beyond this many differing lines a file is shown as wholly replaced: finding less takes too long. */
const MOST_EDITS = 2000

type Edit = { kind: " " | "-" | "+"; line: string }

/** A patch as `git apply` takes it. */
export function makePatch(changes: readonly Change[]): string {
  return changes.map(patchOf).join("")
}

function patchOf({ path, before, after }: Change): string {
  const a = before === null ? "/dev/null" : `a/${path}`
  const b = after === null ? "/dev/null" : `b/${path}`
  const mode =
    before === null ? "new file mode 100644\n" : after === null ? "deleted file mode 100644\n" : ""
  const head = `diff --git a/${path} b/${path}\n${mode}`
  if (before?.includes("\0") || after?.includes("\0")) {
    return `${head}Binary files ${a} and ${b} differ\n`
  }
  const hunks = toHunks(compare(lines(before ?? ""), lines(after ?? "")))
  return hunks ? `${head}--- ${a}\n+++ ${b}\n${hunks}` : head
}

/** Lines with their ends. */
export const lines = (text: string): string[] => (text === "" ? [] : text.split(/(?<=\n)/))

/** The shortest way from one list of lines to the other (Myers, "An O(ND) difference algorithm"). */
function compare(a: string[], b: string[]): Edit[] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (
    end < a.length - start &&
    end < b.length - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  ) {
    end++
  }
  const same = (line: string): Edit => ({ kind: " ", line })
  return [
    ...a.slice(0, start).map(same),
    ...shortest(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(same),
  ]
}

function shortest(a: string[], b: string[]): Edit[] {
  const trace: Map<number, number>[] = []
  let best = new Map<number, number>([[1, 0]])
  for (let d = 0; d <= Math.min(a.length + b.length, MOST_EDITS); d++) {
    trace.push(new Map(best))
    for (let k = -d; k <= d; k += 2) {
      const left = best.get(k - 1) ?? -1
      const right = best.get(k + 1) ?? -1
      let x = k === -d || (k !== d && left < right) ? right : left + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      best.set(k, x)
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, trace)
    }
    best = new Map(best)
  }
  return [
    ...a.map((line): Edit => ({ kind: "-", line })),
    ...b.map((line): Edit => ({ kind: "+", line })),
  ]
}

function walkBack(a: string[], b: string[], trace: Map<number, number>[]): Edit[] {
  const edits: Edit[] = []
  let x = a.length
  let y = b.length
  for (let d = trace.length - 1; d >= 0; d--) {
    const best = trace[d] as Map<number, number>
    const k = x - y
    const down = k === -d || (k !== d && (best.get(k - 1) ?? -1) < (best.get(k + 1) ?? -1))
    const from = down ? k + 1 : k - 1
    const fromX = best.get(from) ?? 0
    const fromY = fromX - from
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      edits.push({ kind: " ", line: a[--x] as string })
      y--
    }
    if (d === 0) break
    if (down) edits.push({ kind: "+", line: b[--y] as string })
    else edits.push({ kind: "-", line: a[--x] as string })
  }
  return edits.reverse()
}

function toHunks(edits: Edit[]): string {
  const near = edits.map(() => false)
  edits.forEach(({ kind }, i) => {
    if (kind !== " ") near.fill(true, Math.max(0, i - CONTEXT), i + CONTEXT + 1)
  })
  let text = ""
  let [oldLine, newLine] = [1, 1]
  for (let i = 0; i < edits.length; ) {
    let end = i
    while (end < edits.length && near[end]) end++
    const hunk = edits.slice(i, end)
    const count = (kind: "-" | "+") =>
      hunk.filter((e) => e.kind !== (kind === "-" ? "+" : "-")).length
    const [removed, added] = [count("-"), count("+")]
    if (hunk.length > 0) {
      text += `@@ -${removed ? oldLine : oldLine - 1},${removed} +${added ? newLine : newLine - 1},${added} @@\n`
      for (const { kind, line } of hunk) {
        text += kind + (line.endsWith("\n") ? line : `${line}\n\\ No newline at end of file\n`)
      }
    }
    oldLine += removed
    newLine += added
    for (i = end; i < edits.length && !near[i]; i++) {
      oldLine++
      newLine++
    }
  }
  return text
}
