import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { parseCoverage } from "../../../ci/src/pipeline/coverage.ts"
import { explain } from "../../../ci/src/pipeline/failure.ts"
import { noCounts } from "../../../ci/src/pipeline/result.ts"
import { judgeSuite, type Suite } from "../../../ci/src/pipeline/suite.ts"
import { type Coverage, neededWith, refusesCoverage } from "../../../ci/src/project/coverage.ts"
import { decidesWorkers } from "../../../ci/src/project/workers.ts"
import { planOf, probeDirectory, pythonHas } from "./fixtures.ts"

const made: string[] = []
afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

const READ = `
import json, sys
sys.path.insert(0, sys.argv[1])
from facts.coverage import coverage_facts, pytest_options
from facts.reader import Project
project = Project(sys.argv[2])
document = project.toml("pyproject.toml") if project.exists("pyproject.toml") else {}
addopts = pytest_options(project, document)
print(json.dumps([addopts, coverage_facts(project, document, addopts["words"] if addopts else [])]))
`

/** What the probe says of the options of pytest and of the configuration of coverage.py. */
function facts(files: Record<string, string>): unknown[] {
  const directory = mkdtempSync(join(tmpdir(), "pyline-coverage-"))
  made.push(directory)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return JSON.parse(
    execFileSync("python3", ["-B", "-c", READ, probeDirectory, directory], { encoding: "utf8" }),
  )
}

describe.skipIf(!pythonHas("tomllib"))("files (skipped where python3 has no tomllib)", () => {
  test("pytest reads one file, coverage.py the first that says something", () => {
    expect(
      facts({
        "pytest.ini": "[pytest]\naddopts = --cov=demo -k 'a b'\n",
        "pyproject.toml":
          "[tool.pytest.ini_options]\naddopts = '-q'\n[tool.coverage.report]\nfail_under = 3\n",
        "setup.cfg": "[tool:pytest]\naddopts = -x\n[coverage:report]\nfail_under = 80.5\n",
      }),
    ).toEqual([
      { file: "pytest.ini", words: ["--cov=demo", "-k", "a b"] },
      { file: "setup.cfg", line: 4, failUnder: 80.5 },
    ])
    expect(
      facts({
        "pytest.ini": "[pytest]\n",
        "tox.ini": "[pytest]\naddopts = -x\n[testenv]\n",
        "pyproject.toml": "[tool.coverage]\nreport.fail_under = 76\n",
      }),
    ).toEqual([null, { file: "pyproject.toml", line: 2, failUnder: 76 }])
    expect(facts({ ".coveragerc": "[run]\nbranch = true\n" })).toEqual([
      null,
      { file: ".coveragerc" },
    ])
    expect(facts({ "setup.cfg": "[metadata]\nname = x\n" })).toEqual([null, null])
  })

  test("what cannot be read says nothing", () => {
    expect(
      facts({
        "pyproject.toml":
          "[tool.pytest.ini_options]\naddopts = '--cov \"unclosed'\n[tool.coverage.report]\nfail_under = 'much'\n",
      }),
    ).toEqual([
      { file: "pyproject.toml", words: ["--cov", '"unclosed'] },
      { file: "pyproject.toml" },
    ])
  })
})

test("what is needed is asked of the whole suite only", () => {
  const needed = { percent: 85, from: "fail_under in setup.cfg:4" }
  const coverage: Coverage = { measure: "add", needed }
  const part = { why: "it is that of a part of the tests" }
  for (const whole of [[], ["-x", "-q"], ["-m", "not slow"], ["-n", "4"], ["-p", "no:randomly"]])
    expect(neededWith(coverage, whole), whole.join(" ")).toEqual({ needed })
  for (const args of [
    ["tests/test_a.py"],
    ["-k", "a"],
    ["-m", "fast"],
    ["a.py::b"],
    ["--lf"],
    ["-mfast"],
  ])
    expect(neededWith(coverage, args), args.join(" ")).toEqual(part)
  expect(neededWith(coverage, ["-k", "a", "--cov-fail-under=50"])).toEqual({
    needed: { percent: 50, from: "--cov-fail-under" },
  })
  expect(neededWith(coverage, ["--cov-fail-under", "0"])).toEqual({})
  expect(neededWith({ measure: "add" }, ["tests/test_a.py"])).toEqual({})
})

test("options that switch pytest-cov off", () => {
  for (const words of [["--no-cov"], ["-p", "no:cov"], ["-pno:cov"], ["-p", "no:pytest_cov"]])
    expect(refusesCoverage(words), words.join(" ")).toBe(true)
  for (const words of [[], ["--cov"], ["-k", "no:cov"], ["-p", "no:randomly"]])
    expect(refusesCoverage(words), words.join(" ")).toBe(false)
})

test("options that say themselves how many tests run side by side", () => {
  for (const words of [
    ["-n", "2"],
    ["-n0"],
    ["--numprocesses=3"],
    ["--dist=loadfile"],
    ["-s"],
    ["--pdb"],
  ])
    expect(decidesWorkers(words), words.join(" ")).toBe(true)
  expect(decidesWorkers(["-p", "no:xdist"])).toBe(true)
  for (const words of [
    ["-q"],
    ["-p", "no:randomly"],
    ["--no-header"],
    ["-k", "slow"],
    ["--show-capture=no"],
  ])
    expect(decidesWorkers(words), words.join(" ")).toBe(false)
})

const low = {
  schema: 1,
  percent: 71.4,
  shown: "71",
  statements: 70,
  missing: 20,
  enough: false,
  worst: [
    { file: "src/a.py", percent: "12", missing: "3-9, 12" },
    { file: "src/b.py", percent: "90", missing: "" },
  ],
}

test("what the project's plugins may have written instead is refused", () => {
  expect(parseCoverage('{"schema": 1, "none": true}')).toBeUndefined()
  expect(parseCoverage(JSON.stringify({ ...low, more: "x" }))).toMatchObject({ shown: "71" })
  for (const wrong of [
    "",
    "[]",
    "{}",
    JSON.stringify({ ...low, percent: "71" }),
    JSON.stringify({ ...low, worst: [1] }),
  ])
    expect(() => parseCoverage(wrong), wrong).toThrow("error[INTERNAL]: the program that combines")
})

const suite = (parts: Partial<Suite>): Suite => ({
  options: { args: [], allowNoTests: false },
  versions: [
    {
      plan: planOf("uv_library"),
      run: {
        name: "python-3.13",
        python: "3.13",
        runner: "pytest",
        verdict: "passed",
        counts: { ...noCounts(), passed: 3 },
        seconds: 1.24,
        failures: [],
        tail: [],
        coverage: true,
      },
    },
  ],
  ...parts,
})

const said = (parts: Partial<Suite>): string => {
  try {
    return judgeSuite(suite(parts))
  } catch (error) {
    return (error as Error).message
  }
}

test("too little is an error of its own, with the files where most is missing", () => {
  const coverage = parseCoverage(JSON.stringify(low))
  if (coverage === undefined) throw new Error("no coverage")
  const needed = { percent: 85, from: "fail_under in setup.cfg:4" }
  const measured = { coverage: { ...coverage, needed }, reports: {} as never }
  expect(said({ measured })).toMatchInlineSnapshot(`
    "error[COVERAGE_LOW]: 71 % of the code is covered by the tests, and 85 % is needed (fail_under in setup.cfg:4)
      src/a.py 12 % covered, not 3-9, 12
      src/b.py 90 % covered
    fix: test what is missing, or change what is needed
    docs: docs/coverage.md
    pytest on Python 3.13
    3 passed, 71 % covered in 1.2 s"
  `)
  expect(said({ measured: { ...measured, coverage: { ...coverage, enough: true } } })).toBe(
    "pytest on Python 3.13\n3 passed, 71 % covered in 1.2 s",
  )
})

test("coverage.py's own words where it cannot combine", () => {
  const failed = Object.assign(new Error("exit code: 1"), {
    name: "ExecError",
    cmd: ["python", "-I", "/opt/pyline/coverage/combine_coverage.py", "--data", "/x"],
    exitCode: 1,
    stdout: "",
    stderr: "coverage.py: Plug-in 'nope' not found\n",
  })
  expect(said({ error: explain(failed, undefined) })).toMatchInlineSnapshot(`
    "error[COVERAGE_ERRORED]: the coverage of the runs could not be combined
      coverage.py: Plug-in 'nope' not found
    fix: correct the configuration of coverage.py, or say [tool.pyline] coverage = false
    docs: docs/coverage.md
    pytest on Python 3.13
    3 passed in 1.2 s"
  `)
})

test("a service that does not start", () => {
  const failed = (message: string) =>
    Object.assign(new Error(message), {
      name: "ExecError",
      cmd: ["pg_isready", "-h", "127.0.0.1"],
      exitCode: 2,
      stdout: "127.0.0.1:5432 - no response\n",
      stderr: "",
    })
  const message = (text: string) => (explain(failed(text), undefined) as Error).message
  expect(message("start abc123def4567 (aliased as db): exit code: 2")).toMatchInlineSnapshot(`
    "error[SERVICE_FAILED]: the service db ended with exit status 2 before it could be used
    No test was run.
      127.0.0.1:5432 - no response
    fix: correct services.db in the settings
    docs: docs/services.md"
  `)
  expect(
    message("start abc123def4567 (aliased as db): health check errored: exit code: 2"),
  ).toMatchInlineSnapshot(`
    "error[SERVICE_FAILED]: the service db did not become healthy: pg_isready -h 127.0.0.1 ended with exit status 2
    No test was run.
      127.0.0.1:5432 - no response
    fix: correct services.db in the settings
    docs: docs/services.md"
  `)
})
