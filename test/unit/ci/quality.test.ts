import { expect, test } from "vitest"
import { codeQuality } from "../../../ci/src/pipeline/quality.ts"
import { resultOf } from "../../../ci/src/pipeline/result.ts"
import { check, red } from "./runs.ts"

const finding = {
  file: "src/a.py",
  rule: "F401",
  message: "`os` unused",
  severity: "error",
} as const

const entries = (...findings: Parameters<typeof check>[1][]) =>
  JSON.parse(
    codeQuality(
      resultOf(
        [],
        findings.map((more) => check("lint", more)),
      ),
    ),
  )

test("findings and red tests in GitLab's form", () => {
  const lint = check("lint", { outcome: "failed", findings: [{ ...finding, line: 3 }] })
  const result = resultOf([red("3.11", "test_b"), red("3.13", "test_b")], [lint])
  expect(JSON.parse(codeQuality(result))).toEqual([
    {
      check_name: "test",
      description: "tests/test_a.py::test_b: assert 1 == 2",
      severity: "major",
      location: { path: "tests/test_a.py", lines: { begin: 7 } },
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
    {
      check_name: "lint: F401",
      description: "`os` unused",
      severity: "major",
      location: { path: "src/a.py", lines: { begin: 3 } },
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  ])
})

test("a finding is the same one where it moved, and two equal ones are two", () => {
  const [first, second] = entries({
    findings: [
      { ...finding, line: 3 },
      { ...finding, line: 9 },
    ],
  })
  const [moved] = entries({ findings: [{ ...finding, line: 4 }] })
  expect(moved.fingerprint).toBe(first.fingerprint)
  expect(second.fingerprint).not.toBe(first.fingerprint)
})

test("what has no place in a file is left out, as GitLab has no place for it", () => {
  expect(entries({ findings: [{ message: "no configuration", severity: "note" }] })).toEqual([])
})
