import { randomUUID } from "node:crypto"
import { appendFileSync, cpSync, readFileSync, rmSync } from "node:fs"
import path from "node:path"
import { beforeAll, describe, expect, test } from "vitest"
import type { Result } from "../../ci/src/pipeline/result.ts"
import { fixture, folder, lastLine, pyline } from "./pyline.ts"

// Half of this project's code is for one version of Python, half for the other, and it wants 95 % covered.
const BOTH = ["--python", "3.11,3.13"]

let source = ""
beforeAll(() => {
  source = project()
})

/** A copy that no engine has seen, so that its tests run. */
function project(): string {
  const made = fixture("coverage_versions")
  appendFileSync(path.join(made, "tests/test_shapes.py"), `\n# ${randomUUID()}\n`)
  return made
}

const addTest = (to: string, text: string) =>
  appendFileSync(path.join(to, "tests/test_more.py"), `${text}# ${randomUUID()}\n`)

const resultIn = (reports: string): Result =>
  JSON.parse(readFileSync(path.join(reports, "result.json"), "utf8"))

describe("coverage", () => {
  test("that one version alone does not have is an error of its own: exit 1", async () => {
    const run = await pyline(["test", "--source", source])
    expect(run.exitCode, run.all).toBe(1)
    expect(
      run.stderr,
    ).toContain(`error[COVERAGE_LOW]: 79 % of the code is covered by the tests, and 95 % is needed (fail_under in pyproject.toml:21)
  shapes/__init__.py 79 % covered, not 7-8
fix: test what is missing, or change what is needed
docs: docs/coverage.md
pytest on Python 3.13
3 passed, 79 % covered in `)
  })

  test("of versions together counts: green, with reports of both and of the combination", async () => {
    const run = await pyline(["test", "--source", source, ...BOTH])
    expect(run.exitCode, run.all).toBe(0)
    expect(run.stdout).toMatch(
      /^Python 3\.11 {2}3 passed in [\d.]+ s\nPython 3\.13 {2}3 passed in [\d.]+ s\n6 passed on 2 versions of Python, 100 % covered in [\d.]+ s/,
    )
    const reports = folder()
    const written = await pyline([
      "reports",
      "--source",
      source,
      "--only=test",
      ...BOTH,
      "-o",
      reports,
    ])
    expect(written.exitCode, written.all).toBe(0)
    const result = resultIn(reports)
    expect(result).toMatchObject({ schema: 2, verdict: "passed", counts: { passed: 6 } })
    expect(result.coverage).toMatchObject({ percent: 100, enough: true, needed: { percent: 95 } })
    for (const [index, python] of ["3.11", "3.13"].entries()) {
      expect(result.runs[index]).toMatchObject({ python, verdict: "passed", coverage: true })
      expect(readFileSync(path.join(reports, `junit/python-${python}.xml`), "utf8")).toContain(
        'name="test_triangle"',
      )
    }
    expect(readFileSync(path.join(reports, "coverage.xml"), "utf8")).toContain('line-rate="1"')
    expect(readFileSync(path.join(reports, "htmlcov/index.html"), "utf8")).toContain("100%")
    expect(
      JSON.parse(readFileSync(path.join(reports, "coverage.json"), "utf8")).totals,
    ).toMatchObject({
      percent_covered: 100,
    })
  })

  test("of a part of the tests is not asked for", async () => {
    const run = await pyline(["test", "--source", source, "--", "-k", "area"])
    expect(run.exitCode, run.all).toBe(0)
    expect(lastLine(run.stdout)).toMatch(/^1 passed, 43 % covered in/)
  })
})

test("a version that is red does not stop the other, and is named with its test: exit 1", async () => {
  const red = project()
  addTest(red, "import sys\n\n\ndef test_new():\n    assert sys.version_info < (3, 12)\n")
  const run = await pyline(["test", "--source", red, ...BOTH])
  expect(run.exitCode, run.all).toBe(1)
  expect(run.stderr).toContain("error[TESTS_FAILED]: 1 of 4 tests failed, on Python 3.13\n")
  expect(run.stderr).toMatch(
    /^ {2}tests\/test_more\.py:5 test_new - (assert|AssertionError).* \(Python 3\.13\)$/m,
  )
  expect(run.stderr).toMatch(/^Python 3\.11 {2}4 passed in/m)
  expect(run.stderr).toMatch(/^Python 3\.13 {2}3 passed, 1 failed in/m)
  expect(lastLine(run.all)).toMatch(
    /^7 passed, 1 failed on 2 versions of Python, 100 % covered in [\d.]+ s/,
  )
})

test("parts of a suite, run apart, are one result with its coverage", async () => {
  const parts = folder()
  for (const index of [1, 2]) {
    const part = ["--shard", `${index}/2`, ...BOTH, "-o", path.join(parts, `${index}`)]
    const run = await pyline(["reports", "--source", source, "--only=test", ...part])
    expect(run.exitCode, run.all).toBe(0)
  }
  const run = await pyline(["test", "--source", source, "--from", parts])
  expect(run.exitCode, run.all).toBe(0)
  expect(run.stdout).toMatch(/^Python 3\.11 1\/2 {2}[12] passed in/)
  expect(lastLine(run.stdout)).toMatch(/^6 passed on 2 versions of Python, 100 % covered in/)
  // Ended by the recorded durations this time.
  const timed = ["--shard", "1/2", "--durations", path.join(parts, "1")]
  const again = await pyline(["test", "--source", source, ...timed])
  expect(again.exitCode, again.all).toBe(0)
  rmSync(path.join(parts, "2"), { recursive: true })
  const gap = await pyline(["test", "--source", source, "--from", parts])
  expect(gap.exitCode, gap.all).toBe(2)
  expect(gap.stderr).toContain(
    "error[RUNS_INCOMPLETE]: the suite on Python 3.11 was split into 2, and 2/2 is missing",
  )
  cpSync(path.join(parts, "1"), path.join(parts, "copy"), { recursive: true })
  const twice = await pyline(["test", "--source", source, "--from", parts])
  expect(twice.stderr).toMatch(
    /error\[RUNS_INCOMPLETE\]: \S+ and \S+ are both of python-3\.11-shard/,
  )
})

test("another attempt is another run; a red run that is known shows what it said", async () => {
  const red = project()
  addTest(red, "import uuid\n\n\ndef test_red():\n    assert False, f'run {uuid.uuid4()}'\n")
  const runs = []
  for (const attempt of [[], [], ["--attempt", "2"], ["--attempt", "2"]]) {
    const run = await pyline(["test", "--source", red, ...attempt])
    expect(run.exitCode, run.all).toBe(1)
    runs.push({ ...run, word: /run [0-9a-f-]{36}/.exec(run.all)?.[0] })
  }
  const [first, same, other, otherSame] = runs.map(({ word }) => word)
  expect(first).toBeDefined()
  expect([same, otherSame]).toEqual([first, other])
  expect(other).not.toBe(first)
  const known = runs[1]?.stderr ?? ""
  expect(known).toContain("── what the tests on Python 3.13 said when they ran")
  expect(known).toContain("_____ tests/test_more.py::test_red _____")
  expect(known).toMatch(/^>\s+assert False, f'run/m)
})

test("a version that there is not, or a part, is refused at once: exit 2", async () => {
  for (const args of [
    ["--python", "3.11,3.99"],
    ["--python", "matrix,3.11"],
    ["--shard", "3/2"],
    ["--attempt", "a b"],
    ["--durations", source],
  ]) {
    const run = await pyline(["test", "--source", source, ...args])
    expect([run.exitCode, run.stderr], args.join(" ")).toEqual([
      2,
      expect.stringContaining("error[USAGE]"),
    ])
  }
})
