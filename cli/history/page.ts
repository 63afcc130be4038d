import { readFileSync, renameSync, writeFileSync } from "node:fs"
import type { Record, StepRecord } from "./record.ts"

/** Where the module leaves room for what it does not know: the steps of the engine. */
const ROOM = '<script type="application/json" id="steps"></script>'

/** Writes the steps of a run into its page: what ran, when, for how long, and what the cache saved. */
export function addSteps(
  page: string,
  steps: readonly StepRecord[],
  earlier: readonly Record[],
): void {
  if (steps.length === 0) return
  const html = readFileSync(page, "utf8")
  const place = html.indexOf(ROOM)
  if (place < 0) return
  const took = timesIn(earlier)
  const shown = steps.map(({ id, name, status, start, ms }) => {
    const before = status === "cached" ? took.get(id) : undefined
    return { name, status, start, ms, ...(before === undefined ? {} : { before }) }
  })
  const saved = shown.reduce((sum, { before = 0 }) => sum + before, 0)
  // Names of steps have words of the project in them: none may end the element that they stand in.
  const data = JSON.stringify({ steps: shown, saved }).replaceAll("<", "\\u003c")
  const end = place + ROOM.length - "</script>".length
  const temporary = `${page}.${process.pid}`
  writeFileSync(temporary, html.slice(0, end) + data + html.slice(end))
  renameSync(temporary, page)
}

/** Milliseconds that each step took when it last ran. */
function timesIn(records: readonly Record[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const { steps } of records)
    for (const { id, status, ms } of steps) if (status === "done") times.set(id, ms)
  return times
}
