import { expect, test } from "vitest"
import { resultOf } from "../../../../ci/src/pipeline/result.ts"
import { inputsOf, resultRecord, stepRecords } from "../../../../cli/history/record.ts"
import { type Step, StepLog } from "../../../../cli/output/steps.ts"
import { check, red, run } from "../../ci/runs.ts"

const step = (more: Partial<Step>): Step => ({
  id: `sha256:${"0123456789abcdef".repeat(4)}`,
  name: "exec uv sync",
  status: "done",
  started: 1000,
  ended: 2500,
  log: new StepLog(),
  ...more,
})

test("of a result stays what runs are compared by", () => {
  const slow = run("3.11", { slowest: [{ id: "test_a", seconds: 0.5 }] })
  expect(resultRecord(resultOf([slow, red("3.13", "test_b")], [check("lint")]))).toEqual({
    title: "1 of 3 tests failed on Python 3.13",
    verdict: "failed",
    runs: [
      {
        name: "python-3.11",
        verdict: "passed",
        seconds: 1.24,
        tests: 3,
        red: [],
        slowest: { test_a: 0.5 },
      },
      {
        name: "python-3.13",
        verdict: "failed",
        seconds: 1.24,
        tests: 3,
        red: ["tests/test_a.py::test_b"],
        slowest: {},
      },
    ],
    checks: [{ check: "lint", outcome: "passed", seconds: 0.5 }],
  })
})

test("steps come in the order in which they began, cached ones took no time", () => {
  const steps = [
    step({ started: 3000, ended: 4000, status: "failed" }),
    step({ id: "sha256:b", started: 1500, ended: 1700, status: "cached" }),
    step({ id: "c", started: 1000 }),
    step({ id: "setup bridge" }),
    step({ id: "d", status: "running" }),
  ]
  expect(stepRecords(steps)).toEqual([
    { id: "c", name: "exec uv sync", status: "done", start: 0, ms: 1500 },
    { id: "b", name: "exec uv sync", status: "cached", start: 500, ms: 0 },
    { id: "0123456789abcdef0123", name: "exec uv sync", status: "failed", start: 2000, ms: 1000 },
  ])
})

test("no folder of this machine and no password of an address is in the name of a step", () => {
  const names = [
    "upload /home/ada/secret plans/basket",
    "exec uv pip install --index https://ada:hunter2@x.example/simple",
  ]
  expect(stepRecords(names.map((name) => step({ name }))).map(({ name }) => name)).toEqual([
    "upload basket",
    "exec uv pip install --index https://***@x.example/simple",
  ])
})

test("inputs are equal where the project and the arguments of the tests are", () => {
  const same = inputsOf("sha256:1", { args: ["-x"] })
  expect(
    inputsOf("sha256:1", { args: ["-x"], python: ["3.13"], attempt: ["2"], source: ["."] }),
  ).toBe(same)
  expect(inputsOf("sha256:2", { args: ["-x"] })).not.toBe(same)
  expect(inputsOf("sha256:1", {})).not.toBe(same)
})
