import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { noTests, usage } from "../../../ci/src/errors.ts"
import {
  type CheckResult,
  judgeCheck,
  parseCheckResult,
  resultOfError,
} from "../../../ci/src/pipeline/check.ts"
import { probeDirectory } from "./fixtures.ts"

const result: CheckResult = {
  check: "lint",
  outcome: "failed",
  summary: "2 errors of ruff",
  seconds: 0.2,
  findings: [
    {
      file: "a.py",
      line: 3,
      column: 5,
      rule: "F821",
      message: "undefined name x",
      severity: "error",
    },
    { file: "b.py", message: "line too long", severity: "warning" },
    { message: "something without a place", severity: "error" },
  ],
  reproduce: "ruff check",
}

const message = (what: () => unknown): string => {
  try {
    what()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error("nothing was thrown")
}

describe("the verdict of a check", () => {
  test("a red one names check, place and message, then how to see it again", () => {
    expect(message(() => judgeCheck(result))).toMatchInlineSnapshot(`
      "error[CHECK_FAILED]: lint: 2 errors of ruff
        a.py:3:5 F821 undefined name x
        something without a place
      reproduce: ruff check
      docs: docs/checks.md"
    `)
  })

  test("one that could not check is not green", () => {
    const errored: CheckResult = {
      ...result,
      outcome: "errored",
      findings: [],
      summary: "ruff crashed",
    }
    expect(
      message(() => judgeCheck({ ...errored, detail: "thread panicked\nat 3" })),
    ).toMatchInlineSnapshot(`
        "error[CHECK_ERRORED]: lint could not check: ruff crashed
          thread panicked
          at 3
        reproduce: ruff check
        docs: docs/checks.md"
      `)
    expect(message(() => judgeCheck({ ...errored, cause: "project" }))).toMatch(
      /^error\[CHECK_MISCONFIGURED\]: lint could not check: ruff crashed\n/,
    )
  })

  test("a green and a skipped one say so in a line", () => {
    expect(judgeCheck({ ...result, outcome: "passed", summary: "ruff is content" })).toBe(
      "lint: ruff is content",
    )
    expect(judgeCheck({ ...result, outcome: "skipped", summary: "nothing to do" })).toBe(
      "lint skipped: nothing to do",
    )
  })

  test.each(["{", "null", '{"schema":2}', '{"schema":1,"check":"lint","outcome":"fine"}'])(
    "what is no result is none: %s",
    (text) => {
      expect(message(() => parseCheckResult(text, "lint"))).toMatch(
        /^error\[INTERNAL\]: the program of the check lint wrote no result\n/,
      )
    },
  )

  test("the result of another check is none", () => {
    const text = JSON.stringify({ schema: 1, ...result })
    expect(parseCheckResult(text, "lint")).toEqual(result)
    expect(() => parseCheckResult(text, "types")).toThrow("wrote no result")
  })
})

test("an error beside a check is red or errored as its code says", () => {
  expect(resultOfError("test", noTests("pytest", "in tests/", "no tests in 0.2 s"))).toMatchObject({
    check: "test",
    outcome: "failed",
    summary: "pytest found no tests",
  })
  expect(resultOfError("test", usage("--x: no", "say y"))).toMatchObject({
    outcome: "errored",
    cause: "project",
    summary: "--x: no",
  })
  expect(resultOfError("test", new Error("fetch failed"))).toMatchObject({
    outcome: "errored",
    cause: "machine",
    summary: "fetch failed",
  })
})

describe("the program's side", () => {
  const made: string[] = []
  afterEach(() => {
    for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
  })

  function run(code: string) {
    const reports = mkdtempSync(join(tmpdir(), "pyline-check-"))
    made.push(reports)
    const program = `import sys\nsys.path.insert(0, sys.argv[1])\nfrom result import Result\nr = Result("lint")\n${code}\nsys.exit(r.end(sys.argv[2]))`
    const done = spawnSync(
      "python3",
      ["-B", "-c", program, join(probeDirectory, "checks"), reports],
      {
        encoding: "utf8",
      },
    )
    return {
      ...done,
      files: readdirSync(reports).sort(),
      read: (name: string) => JSON.parse(readFileSync(join(reports, name), "utf8")),
    }
  }

  test("a red result is a file that the pipeline reads, SARIF and status 0", () => {
    const { status, stdout, files, read } = run(`
r.find("undefined name \\x1b[31mx\\x07", file="a b.py", line=3, column=5, rule="F821", tool="ruff")
r.find("odd", file="c.py", line="7", column=-1, severity="fatal", tool="flake8")
r.outcome, r.summary = "failed", "2 errors"`)
    expect(status).toBe(0)
    expect(stdout).toBe("lint failed: 2 errors\n")
    expect(files).toEqual(["check-lint.json", "lint.sarif"])
    expect(parseCheckResult(JSON.stringify(read("check-lint.json")), "lint").findings).toEqual([
      {
        file: "a b.py",
        line: 3,
        column: 5,
        rule: "F821",
        message: "undefined name x",
        severity: "error",
        tool: "ruff",
      },
      { file: "c.py", message: "odd", severity: "error", tool: "flake8" },
    ])
    const { version, runs } = read("lint.sarif")
    expect(version).toBe("2.1.0")
    expect(runs[0]).toEqual({
      tool: { driver: { name: "ruff", rules: [{ id: "F821" }] } },
      results: [
        {
          level: "error",
          message: { text: "undefined name x" },
          ruleId: "F821",
          ruleIndex: 0,
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: "a%20b.py", uriBaseId: "%SRCROOT%" },
                region: { startLine: 3, startColumn: 5 },
              },
            },
          ],
        },
      ],
    })
  })

  test("one that could not check ends with 75 and says why in its last line", () => {
    const { status, stdout } = run('r.errored("ruff crashed", "x" * 5000 + "\\n" + "why")')
    expect(status).toBe(75)
    const line = stdout.trimEnd().split("\n").at(-1) ?? ""
    expect(line.length).toBeLessThan(2000)
    expect(parseCheckResult(line.replace("pyline-check: ", ""), "lint")).toMatchObject({
      outcome: "errored",
      cause: "machine",
      detail: expect.stringMatching(/why$/),
    })
  })

  test("one without a verdict is errored", () => {
    const { status, stdout } = run("pass")
    expect(status).toBe(75)
    expect(stdout).toContain("the check ended without a verdict")
  })
})
