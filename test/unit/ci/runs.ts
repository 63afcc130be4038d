import type { CheckResult } from "../../../ci/src/pipeline/check.ts"
import { noCounts, type Run } from "../../../ci/src/pipeline/result.ts"

/** A green run of three tests. */
export const run = (python: string, more: Partial<Run> = {}): Run => ({
  name: `python-${python}`,
  python,
  runner: "pytest",
  verdict: "passed",
  counts: { ...noCounts(), passed: 3 },
  seconds: 1.24,
  failures: [],
  tail: [],
  ...more,
})

/** A run of two green tests and these red ones. */
export const red = (python: string, ...ids: string[]): Run =>
  run(python, {
    verdict: "failed",
    counts: { ...noCounts(), passed: 2, failed: ids.length },
    failures: ids.map((id) => ({
      id: `tests/test_a.py::${id}`,
      kind: "failed",
      file: "tests/test_a.py",
      line: 7,
      message: "assert 1 == 2",
    })),
  })

/** A check that passed. */
export const check = (name: string, more: Partial<CheckResult> = {}): CheckResult => ({
  check: name,
  outcome: "passed",
  summary: `${name} found nothing`,
  seconds: 0.5,
  findings: [],
  ...more,
})
