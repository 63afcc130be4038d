import type { Record, RunRecord } from "../../../../cli/history/record.ts"

export const runRecord = (more: Partial<RunRecord> = {}): RunRecord => ({
  name: "python-3.13",
  verdict: "passed",
  seconds: 2,
  tests: 10,
  red: [],
  slowest: {},
  ...more,
})

/** A green run of ten tests; of inputs of its own unless they are given. */
export const record = (more: Partial<Record> = {}): Record => ({
  v: 1,
  at: "2026-03-01T12:00:00.000Z",
  verb: "test",
  given: {},
  ms: 2400,
  title: "All 10 tests passed",
  verdict: "passed",
  runs: [runRecord()],
  checks: [],
  steps: [],
  ...more,
})

/** A run with these red tests. */
export const redRecord = (inputs: string, ...red: string[]): Record =>
  record({
    inputs,
    verdict: "failed",
    title: `${red.length} of 10 tests failed`,
    runs: [runRecord({ verdict: "failed", red })],
  })
