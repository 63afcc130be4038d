import { expect, test } from "vitest"
import { flakyIn, slowerIn } from "../../../../cli/history/compare.ts"
import { record, redRecord, runRecord } from "./records.ts"

test("flaky is what passed and failed on the same inputs", () => {
  const records = [
    redRecord("a", "test_x", "test_y"),
    redRecord("a", "test_y"),
    record({ inputs: "b" }),
    redRecord("b", "test_z"),
    record({ inputs: "b" }),
  ]
  expect(flakyIn(records)).toEqual([
    { id: "test_x", run: "python-3.13", red: 1, of: 2 },
    { id: "test_z", run: "python-3.13", red: 1, of: 3 },
  ])
})

test("what changed with the inputs is not flaky, nor is what failed on one Python alone", () => {
  const [red, green] = [
    runRecord({ verdict: "failed", red: ["test_x"] }),
    runRecord({ name: "python-3.11" }),
  ]
  expect(flakyIn([redRecord("a", "test_x"), record({ inputs: "b" })])).toEqual([])
  expect(flakyIn([record({ inputs: "a", runs: [red, green] })])).toEqual([])
})

test("a run that was killed and one of unknown inputs say nothing", () => {
  const killed = record({ inputs: "a", runs: [runRecord({ verdict: "killed" })] })
  expect(flakyIn([redRecord("a", "test_x"), killed])).toEqual([])
  expect(flakyIn([{ ...redRecord("", "test_x"), inputs: undefined } as never, record()])).toEqual(
    [],
  )
})

test("slower is half as long again as in the middle of the runs before", () => {
  const took = (slowest: { [id: string]: number }) => record({ runs: [runRecord({ slowest })] })
  const before = [
    took({ a: 1, b: 0.01, c: 1 }),
    took({ a: 1.1, b: 0.01, c: 1 }),
    took({ a: 9, c: 1 }),
  ]
  expect(slowerIn([...before, took({ a: 2, b: 0.05, c: 1.2, d: 5 })])).toEqual([
    { id: "a", run: "python-3.13", now: 2, before: 1.1 },
  ])
  expect(slowerIn([took({ a: 1 }), took({ a: 5 })])).toEqual([])
  expect(slowerIn([])).toEqual([])
})
