import type { Record, RunRecord } from "./record.ts"

/** A test that was red and was not, though nothing that went into it had changed. */
export interface Flaky {
  id: string
  run: string
  red: number
  of: number
}

/** A test that takes longer than it did. */
export interface Slower {
  id: string
  run: string
  /** Seconds of the last run, and what it took in the middle of those before. */
  now: number
  before: number
}

/** Runs of a test that tell how long it takes, before the last one. */
const ENOUGH = 2
/** Less is noise of the machine. */
const LEAST_SECONDS = 0.1
const FACTOR = 1.5

/** Tests that passed and failed on the same inputs, the most uncertain first. */
export function flakyIn(records: readonly Record[]): Flaky[] {
  const groups = new Map<string, RunRecord[]>()
  for (const { inputs, runs } of records) {
    for (const run of inputs === undefined ? [] : runs) {
      // A run without a verdict says nothing of its tests.
      if (run.verdict !== "passed" && run.verdict !== "failed") continue
      const key = JSON.stringify([inputs, run.name])
      groups.set(key, [...(groups.get(key) ?? []), run])
    }
  }
  const found = new Map<string, Flaky>()
  for (const runs of groups.values()) {
    for (const id of new Set(runs.flatMap(({ red }) => red))) {
      const red = runs.filter((run) => run.red.includes(id)).length
      if (red === runs.length) continue
      const run = (runs[0] as RunRecord).name
      const known = found.get(`${run} ${id}`) ?? { id, run, red: 0, of: 0 }
      found.set(`${run} ${id}`, { ...known, red: known.red + red, of: known.of + runs.length })
    }
  }
  return [...found.values()].sort(
    (a, b) => Math.min(b.red, b.of - b.red) - Math.min(a.red, a.of - a.red),
  )
}

/** Tests of the last run that take half as long again as in the middle of the runs before it, the worst first. */
export function slowerIn(records: readonly Record[]): Slower[] {
  const place = records.findLastIndex(({ runs }) => runs.length > 0)
  const last = records[place]
  const found: Slower[] = []
  for (const run of last?.runs ?? []) {
    const earlier = records
      .slice(0, place)
      .flatMap(({ runs }) => runs.filter(({ name }) => name === run.name))
    for (const [id, now] of Object.entries(run.slowest)) {
      const times = earlier.flatMap(({ slowest }) => slowest[id] ?? [])
      const before = median(times)
      if (times.length >= ENOUGH && now >= before * FACTOR && now - before >= LEAST_SECONDS)
        found.push({ id, run: run.name, now, before })
    }
  }
  return found.sort((a, b) => b.now - b.before - (a.now - a.before))
}

/** Of an even number the lower of the two in the middle. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}
