import { expect, test } from "vitest"
import { PylineError } from "../../../ci/src/errors.ts"
import type { CheckResult } from "../../../ci/src/pipeline/check.ts"
import type { Version } from "../../../ci/src/pipeline/matrix.ts"
import { noCounts, parseRuns, type Run, resultOf } from "../../../ci/src/pipeline/result.ts"
import { judgeSuite } from "../../../ci/src/pipeline/suite.ts"
import { violations } from "../../schema.ts"
import { planOf } from "./fixtures.ts"
import { check, red, run } from "./runs.ts"

const version = (made: Run): Version => ({ run: made, plan: planOf("uv_library") })

const said = (...versions: Version[]): string => {
  try {
    return judgeSuite({ versions, options: { args: [], allowNoTests: false } })
  } catch (error) {
    return (error as Error).message
  }
}

test("one version looks as it always did", () => {
  expect(said(version(run("3.13")))).toBe("pytest on Python 3.13\n3 passed in 1.2 s")
})

test("several versions have a line each and one verdict", () => {
  expect(said(version(run("3.9")), version(run("3.13", { seconds: 2 })))).toMatchInlineSnapshot(`
    "Python 3.9   3 passed in 1.2 s
    Python 3.13  3 passed in 2.0 s
    6 passed on 2 versions of Python in 2.0 s"
  `)
})

test("a test that is red on several versions is named once, with the versions", () => {
  expect(
    said(
      version(red("3.11", "test_b", "test_c")),
      version(run("3.12")),
      version(red("3.13", "test_c")),
    ),
  ).toMatchInlineSnapshot(`
    "error[TESTS_FAILED]: 3 of 7 tests failed, on Python 3.11 and 3.13
      tests/test_a.py:7 test_b - assert 1 == 2 (Python 3.11)
      tests/test_a.py:7 test_c - assert 1 == 2 (Python 3.11 and 3.13)
    reproduce: dagger call test --source=. --python=3.11 --args=tests/test_a.py::test_b,tests/test_a.py::test_c
    Python 3.11  2 passed, 2 failed in 1.2 s
    Python 3.12  3 passed in 1.2 s
    Python 3.13  2 passed, 1 failed in 1.2 s
    7 passed, 3 failed on 3 versions of Python in 1.2 s"
  `)
})

test("red tests come before what kept tests from running", () => {
  const error = new PylineError("RESOLUTION_FAILED", {
    found: "the dependencies of demo cannot be installed together",
    means: ["  no solution found"],
    page: "package-managers",
  })
  const broken: Version = {
    run: run("3.9", {
      verdict: "errored",
      counts: noCounts(),
      seconds: 0,
      error: { code: error.code, message: error.message },
    }),
    error,
  }
  expect(said(broken, version(red("3.13", "test_c")))).toMatchInlineSnapshot(`
    "error[TESTS_FAILED]: 1 of 3 tests failed, on Python 3.13
      tests/test_a.py:7 test_c - assert 1 == 2 (Python 3.13)
    also error[RESOLUTION_FAILED]: the dependencies of demo cannot be installed together (Python 3.9)
      no solution found
    reproduce: dagger call test --source=. --python=3.13 --args=tests/test_a.py::test_c
    Python 3.9   not run: RESOLUTION_FAILED
    Python 3.13  2 passed, 1 failed in 1.2 s
    2 passed, 1 failed on 1 of 2 versions of Python in 1.2 s"
  `)
  expect(said(broken, version(run("3.13")))).toMatchInlineSnapshot(`
    "error[RESOLUTION_FAILED]: the dependencies of demo cannot be installed together (Python 3.9)
      no solution found
    docs: docs/package-managers.md
    Python 3.9   not run: RESOLUTION_FAILED
    Python 3.13  3 passed in 1.2 s
    3 passed on 1 of 2 versions of Python in 1.2 s"
  `)
})

test("an engine's own error is one of the version where it came", () => {
  const broken: Version = {
    run: run("3.14", {
      verdict: "errored",
      counts: noCounts(),
      error: { code: "VERSION_ERRORED", message: "no such image\nasked two registries" },
    }),
    error: new Error("no such image\nasked two registries"),
  }
  expect(said(broken, version(run("3.13")))).toMatchInlineSnapshot(`
    "error[VERSION_ERRORED]: the tests could not be started: no such image (Python 3.14)
      asked two registries
    docs: docs/matrix.md
    Python 3.14  not run: VERSION_ERRORED
    Python 3.13  3 passed in 1.2 s
    3 passed on 1 of 2 versions of Python in 1.2 s"
  `)
})

test("the result of several is that of all", () => {
  const result = resultOf([run("3.11"), red("3.13", "test_b")])
  expect(result).toMatchObject({
    schema: 2,
    verdict: "failed",
    counts: { passed: 5, failed: 1 },
    seconds: 1.24,
  })
})

const written = (value: unknown): string => JSON.stringify({ schema: 2, runs: [value] })

test("what the tests may have written instead of a result is refused", () => {
  expect(parseRuns(written(red("3.13", "test_b")))).toEqual([red("3.13", "test_b")])
  for (const wrong of [
    "",
    "{}",
    JSON.stringify({ schema: 1, runs: [run("3.13")] }),
    written(run("3.13", { name: "../../x" })),
    written({ ...run("3.13"), verdict: "fine" }),
    written({ ...run("3.13"), counts: { passed: "9" } }),
    written({ ...run("3.13"), seconds: null }),
    written({ ...run("3.13"), failures: [{ id: 5 }] }),
  ]) {
    expect(() => parseRuns(wrong), wrong).toThrow(
      "error[INTERNAL]: the test program wrote no result",
    )
  }
  const [kept] = parseRuns(written({ ...run("3.13"), junit: "../etc/passwd", more: 1 }))
  expect(kept).toEqual(run("3.13"))
})

const everything: Required<Omit<Run, "error" | "junitError">> = {
  ...run("3.13"),
  runner: "pytest",
  verdict: "crashed",
  exitCode: 1,
  signal: "SIGSEGV",
  failures: [
    { id: "a", kind: "error", file: "a.py", line: 1, message: "m", text: "t", output: "o" },
  ],
  slowest: [{ id: "a", seconds: 0.5 }],
  junit: "junit/python-3.13.xml",
  stopped: { kind: "crash", message: "m", file: "a.py", line: 3, test: "test_a" },
  tail: ["last"],
  workers: 2,
  coverage: true,
  shard: { index: 1, count: 2, tests: 5, of: 10 },
  attempt: "2",
  lost: ["postgres"],
}

test("every key of a result is in docs/result.schema.json", () => {
  const [read] = parseRuns(written({ ...everything, junitError: "no" }))
  expect(read).toEqual({ ...everything, junitError: "no" })
  const finding = { file: "a.py", line: 1, column: 2, rule: "F401", message: "m", tool: "ruff" }
  const lint: Required<CheckResult> = {
    ...check("lint"),
    outcome: "errored",
    findings: [{ ...finding, severity: "warning" }],
    dropped: 3,
    detail: "d",
    cause: "project",
    reproduce: "ruff check",
  }
  const coverage = {
    percent: 81.2,
    shown: "81",
    statements: 100,
    missing: 19,
    branches: 4,
    needed: { percent: 90, from: "pyproject.toml:3" },
    why: "w",
    enough: false,
    worst: [{ file: "a.py", percent: "50", missing: "3-7" }],
  }
  const broken = run("3.11", { verdict: "errored", error: { code: "NETWORK", message: "m" } })
  const result = resultOf([read as Run, broken, red("3.12", "test_b")], [lint], coverage)
  expect(violations("result", JSON.parse(JSON.stringify(result)))).toEqual([])
})

test("the schema tells what is wrong", () => {
  const result = { ...resultOf([run("3.13")]), verdict: "fine", more: 1, seconds: -1 }
  expect(violations("result", result)).toEqual([
    "$.verdict is none of passed,failed,errored",
    "$.seconds is less than 0",
    "$.more is not in the schema",
  ])
})
