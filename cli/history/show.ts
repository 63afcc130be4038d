import { cacheNote } from "../output/note.ts"
import { duration } from "../output/time.ts"
import { flakyIn, slowerIn } from "./compare.ts"
import type { Record } from "./record.ts"

const SIGNS = { passed: "✔", failed: "✖", errored: "■" }

/** The last runs as people read them: one line each, then what changes from run to run. */
export function showHistory(records: readonly Record[], most: number, now: Date): string {
  const shown = records.slice(-most)
  const rows = shown.map((record) => [
    SIGNS[record.verdict],
    ago(now.getTime() - Date.parse(record.at)),
    record.verb,
    duration(record.ms),
    cachedIn(record),
    record.title,
  ])
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 3 ? cell.padStart(widths[3] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  )
  return [...lines, ...flaky(records), ...slower(records)].join("\n")
}

function flaky(records: readonly Record[]): string[] {
  const found = flakyIn(records)
  if (found.length === 0) return []
  const lines = found
    .slice(0, 20)
    .map(({ id, run, red, of }) => `  ${id}  red in ${red} of ${of} runs on ${python(run)}`)
  return ["", "flaky: passed and failed, though nothing had changed", ...lines]
}

function slower(records: readonly Record[]): string[] {
  const found = slowerIn(records)
  if (found.length === 0) return []
  const lines = found
    .slice(0, 20)
    .map(
      ({ id, now, before }) => `  ${id}  ${duration(now * 1000)}, was ${duration(before * 1000)}`,
    )
  return ["", "slower than before", ...lines]
}

const cachedIn = ({ steps }: Record): string => (steps.length > 0 && cacheNote(steps)) || ""

const python = (run: string): string => run.replace(/^python-/, "Python ")

function ago(ms: number): string {
  const minutes = ms / 60_000
  if (minutes < 1) return "just now"
  if (minutes < 60) return `${Math.floor(minutes)} min ago`
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ago`
  return `${Math.floor(minutes / 60 / 24)} days ago`
}
