import { expect, test } from "vitest"
import { noCounts, type Run, resultOf } from "../../../../ci/src/pipeline/result.ts"
import { retold } from "../../../../cli/output/retold.ts"
import { Steps } from "../../../../cli/output/steps.ts"

const red: Run = {
  name: "python-3.13",
  python: "3.13",
  runner: "pytest",
  verdict: "failed",
  counts: { ...noCounts(), failed: 1 },
  seconds: 1,
  failures: [
    {
      id: "tests/test_a.py::test_b",
      kind: "failed",
      text: "def test_b():\n>   assert 1 == 2\nE   assert 1 == 2",
      output: "Captured Out:\nhello \u001b[2J\u0007",
    },
  ],
  tail: ["1 failed in 1.0s"],
}

const ran = (log: string): Steps => {
  const steps = new Steps()
  const name =
    "exec /opt/venv/bin/python -IS /opt/pyline/tests/run_tests.py --runner pytest --reports /reports --name python-3.13 --"
  const step = steps.apply({ type: "step", id: "1", name, status: log === "" ? "cached" : "done" })
  if (log !== "") step.log.push(1, log)
  return steps
}

test("what red tests said is told again where their step was cached", () => {
  expect(retold(resultOf([red]), ran(""))).toMatchInlineSnapshot(`
    "── what the tests on Python 3.13 said when they ran
    _____ tests/test_a.py::test_b _____
    def test_b():
    >   assert 1 == 2
    E   assert 1 == 2
    Captured Out:
    hello 

    ──"
  `)
})

test("and not where it was seen, or where nothing is red", () => {
  expect(retold(resultOf([red]), ran("1 failed\n"))).toBe("")
  expect(retold(resultOf([{ ...red, verdict: "passed", failures: [] }]), ran(""))).toBe("")
})

test("a run that came to no verdict has its last lines", () => {
  const aborted: Run = { ...red, verdict: "aborted", failures: [], tail: ["ImportError: x"] }
  expect(retold(resultOf([aborted]), ran(""))).toContain("ImportError: x")
})
