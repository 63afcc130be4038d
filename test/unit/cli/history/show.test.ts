import { expect, test } from "vitest"
import { showHistory } from "../../../../cli/history/show.ts"
import { record, redRecord, runRecord } from "./records.ts"

const now = new Date("2026-03-01T13:00:00.000Z")
const step = { id: "x", name: "exec uv sync", start: 0, ms: 0 } as const

test("a line for each run, then what changes from run to run", () => {
  const slow = (seconds: number) =>
    runRecord({ slowest: { "tests/test_a.py::test_slow": seconds } })
  const records = [
    record({ at: "2026-02-20T12:00:00.000Z", verb: "ci", ms: 185_000, runs: [slow(1)] }),
    redRecord("a", "tests/test_a.py::test_x"),
    record({
      inputs: "a",
      runs: [slow(1)],
      steps: [
        { ...step, status: "cached" },
        { ...step, status: "done" },
      ],
    }),
    record({
      at: "2026-03-01T12:59:50.000Z",
      runs: [slow(3)],
      steps: [{ ...step, status: "cached" }],
    }),
  ]
  expect(`\n${showHistory(records, 20, now)}\n`).toMatchInlineSnapshot(`
    "
    ✔  9 days ago  ci    3 min 05 s          All 10 tests passed
    ✖  1 h ago     test       2.4 s          1 of 10 tests failed
    ✔  1 h ago     test       2.4 s          All 10 tests passed
    ✔  just now    test       2.4 s  cached  All 10 tests passed

    flaky: passed and failed, though nothing had changed
      tests/test_a.py::test_x  red in 1 of 2 runs on Python 3.13

    slower than before
      tests/test_a.py::test_slow  3.0 s, was 1.0 s
    "
  `)
  expect(showHistory(records, 1, now).split("\n")[0]).toMatch(/^✔ {2}just now/)
})
