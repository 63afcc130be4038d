import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import { exitClassOf } from "../../../ci/src/errors.ts"
import type { CheckResult } from "../../../ci/src/pipeline/check.ts"
import { judgeAll } from "../../../ci/src/pipeline/ci.ts"
import { noCounts, type Run } from "../../../ci/src/pipeline/result.ts"
import { probeDirectory, pythonHas } from "./fixtures.ts"

const result = (check: string, parts: Partial<CheckResult>): CheckResult => ({
  check,
  outcome: "passed",
  summary: "nothing wrong",
  seconds: 0.04,
  findings: [],
  ...parts,
})

const GREEN = [
  result("lock", { summary: "uv.lock matches pyproject.toml" }),
  result("types", { outcome: "skipped", summary: "no type checker is configured", seconds: 0 }),
  result("test", { summary: "16 passed in 12.3 s", seconds: 12.34 }),
]

function said(results: CheckResult[]): string {
  try {
    return judgeAll(results.map((one) => ({ result: one })))
  } catch (error) {
    return (error as Error).message
  }
}

describe("the verdict of all checks", () => {
  test("green is a table", () => {
    expect(said(GREEN)).toMatchInlineSnapshot(`
      "lock   passed    0.0 s  uv.lock matches pyproject.toml
      types  skipped   0.0 s  no type checker is configured
      test   passed   12.3 s  16 passed in 12.3 s
      2 checks passed, 1 skipped"
    `)
  })

  test("each version of Python has a line below that of the tests", () => {
    const run = (python: string, parts: Partial<Run> = {}): Run => ({
      name: `python-${python}`,
      python,
      verdict: "passed",
      counts: { ...noCounts(), passed: 8 },
      seconds: 12.3,
      failures: [],
      tail: [],
      ...parts,
    })
    const results = GREEN.map((one) => ({ result: one }))
    const aborted = run("3.13", { verdict: "aborted", seconds: 1 })
    expect(judgeAll(results, [run("3.11"), aborted])).toMatchInlineSnapshot(`
      "lock    passed    0.0 s  uv.lock matches pyproject.toml
      types   skipped   0.0 s  no type checker is configured
      test    passed   12.3 s  16 passed in 12.3 s
        3.11  passed   12.3 s  8 passed in 12.3 s
        3.13  failed    1.0 s  aborted
      2 checks passed, 1 skipped"
    `)
    expect(judgeAll(results, [run("3.11")])).toBe(said(GREEN))
  })

  test("red says first which check, where and what, and ends with the table", () => {
    const finding = { file: "a.py", line: 3, column: 5, rule: "F821", message: "undefined name x" }
    const findings = Array.from({ length: 12 }, () => ({ ...finding, severity: "error" as const }))
    const text = said([
      ...GREEN,
      result("build", { outcome: "errored", summary: "gcc is missing", detail: "x.c\ny.c" }),
      result("lint", {
        outcome: "failed",
        summary: "ruff found 12 errors",
        findings: findings.slice(0, 11),
        reproduce: "uvx ruff check",
      }),
    ])
    expect(exitClassOf(text)).toBe(1)
    expect(text.replace(/( {2}a\.py.*\n)+/, "$1")).toMatchInlineSnapshot(`
      "error[CHECKS_FAILED]: 1 of 5 checks failed: lint; build could not check
      lint: ruff found 12 errors
        a.py:3:5 F821 undefined name x
        and 1 more
        reproduce: uvx ruff check
      build could not check: gcc is missing
        x.c
        y.c
        reproduce: dagger call build --source=.
      docs: docs/checks.md
      lock   passed    0.0 s  uv.lock matches pyproject.toml
      types  skipped   0.0 s  no type checker is configured
      test   passed   12.3 s  16 passed in 12.3 s
      build  errored   0.0 s  gcc is missing
      lint   failed    0.0 s  ruff found 12 errors"
    `)
  })

  test("a check that could not look is not green, and not red either", () => {
    const machine = result("lint", { outcome: "errored", summary: "no network" })
    const project = result("types", { outcome: "errored", summary: "mypy.ini", cause: "project" })
    expect(said([...GREEN, project])).toMatch(
      /^error\[CHECKS_MISCONFIGURED\]: types could not check\n/,
    )
    expect(exitClassOf(said([...GREEN, project]))).toBe(2)
    expect(exitClassOf(said([...GREEN, project, machine]))).toBe(3)
  })
})

test.skipIf(!pythonHas("tomllib", "packaging"))(
  "the probe is given every file that it looks for (skipped where python3 has no tomllib or packaging)",
  () => {
    const code = `
import json, sys
sys.path.insert(0, sys.argv[1])
from facts import checks, hooks
names = [*checks.COMMANDS, *hooks.FILES, *(file for files in checks.FILES.values() for file in files)]
names += [file for places in checks.SECTIONS.values() for file, _ in places]
print(json.dumps(sorted(set(names))))`
    const names: string[] = JSON.parse(
      execFileSync("python3", ["-B", "-c", code, probeDirectory], { encoding: "utf8" }),
    )
    const reader = readFileSync(
      fileURLToPath(new URL("../../../ci/src/pipeline/read.ts", import.meta.url)),
      "utf8",
    )
    expect(names.length).toBeGreaterThan(15)
    expect(names.filter((name) => !reader.includes(JSON.stringify(name)))).toEqual([])
  },
)
