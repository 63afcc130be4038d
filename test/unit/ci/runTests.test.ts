import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { parseSummary, type Summary, verdictOf } from "../../../ci/src/pipeline/summary.ts"
import { probeDirectory } from "./fixtures.ts"

const made: string[] = []
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

interface Run {
  status: number | null
  summary: Summary
  log: string
  directory: string
}

function run(
  runner: "pytest" | "unittest",
  files: Record<string, string>,
  args: string[] = [],
  options: string[] = [],
): Run {
  const directory = mkdtempSync(join(tmpdir(), "pyline-run-"))
  made.push(directory)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  const program = join(probeDirectory, "run_tests.py")
  const reports = join(directory, "reports")
  const argv = [
    "-I",
    "-S",
    program,
    "--runner",
    runner,
    "--reports",
    reports,
    "--name",
    "run",
    ...options,
    "--",
    ...args,
  ]
  const done = spawnSync("python3", argv, { cwd: directory, encoding: "utf8" })
  const result = readFileSync(join(reports, "result.json"), "utf8")
  return { status: done.status, summary: parseSummary(result), log: done.stdout, directory }
}

const PYTEST = `import pytest

def test_ok():
    print("seen in the log")

def test_bad():
    assert [1, 2] == [1, 3]

class TestC:
    def test_in(self):
        raise ValueError("a | b")

@pytest.fixture
def broken():
    yield
    raise RuntimeError("in teardown")

def test_teardown(broken):
    pass

def test_skip():
    pytest.skip("not now")

@pytest.mark.xfail
def test_expected():
    assert False
`

describe("pytest", () => {
  test("counts are what pytest itself says, also for a test that passes and then fails in teardown", () => {
    const { status, summary, log, directory } = run("pytest", { "tests/test_a.py": PYTEST })
    expect(status).toBe(1)
    expect(summary.verdict).toBe("failed")
    expect(summary.counts).toEqual({
      passed: 2,
      failed: 2,
      errors: 1,
      skipped: 1,
      xfailed: 1,
      xpassed: 0,
    })
    expect(summary.failures).toEqual([
      {
        id: "tests/test_a.py::test_bad",
        kind: "failed",
        file: "tests/test_a.py",
        line: 7,
        message: "assert [1, 2] == [1, 3]",
      },
      {
        id: "tests/test_a.py::TestC::test_in",
        kind: "failed",
        file: "tests/test_a.py",
        line: 11,
        message: "ValueError: a | b",
      },
      {
        id: "tests/test_a.py::test_teardown",
        kind: "error",
        file: "tests/test_a.py",
        line: 16,
        message: "RuntimeError: in teardown",
      },
    ])
    expect(log).toContain("2 failed, 2 passed, 1 skipped, 1 xfailed, 1 error")
    expect(existsSync(join(directory, "reports/junit/run.xml"))).toBe(true)
    expect(readFileSync(join(directory, "reports/summary.md"), "utf8")).toContain(
      "ValueError: a \\| b",
    )
  })

  test("green", () => {
    const { status, summary } = run("pytest", { "test_a.py": "def test_a(): pass\n" })
    expect(status).toBe(0)
    expect(summary.verdict).toBe("passed")
    expect(verdictOf({ ...summary, seconds: 3.14 })).toBe("1 passed in 3.1 s")
  })

  test("the project's own options do not hide the report", () => {
    const files = {
      "test_a.py": "def test_a(): assert 0\n",
      "pytest.ini": "[pytest]\naddopts = -qq --no-header --tb=no --junitxml=x.xml\n",
    }
    const { summary } = run("pytest", files)
    expect(summary.counts.failed).toBe(1)
    expect(summary.failures[0]?.id).toBe("test_a.py::test_a")
  })

  test("no tests is a verdict of its own, and can be allowed", () => {
    expect(run("pytest", {})).toMatchObject({
      status: 1,
      summary: { verdict: "no-tests", exitCode: 5 },
    })
    expect(run("pytest", {}, [], ["--allow-no-tests"])).toMatchObject({
      status: 0,
      summary: { verdict: "passed" },
    })
  })

  test("an error in collection is red, a usage error is no verdict", () => {
    const collection = run("pytest", { "test_a.py": "import nowhere\n" })
    expect(collection).toMatchObject({
      status: 1,
      summary: { verdict: "failed", counts: { errors: 1 } },
    })
    expect(collection.summary.failures[0]?.message).toBe(
      "ModuleNotFoundError: No module named 'nowhere'",
    )
    const usage = run("pytest", {}, ["--nonsense"])
    expect(usage).toMatchObject({ status: 2, summary: { verdict: "aborted", exitCode: 4 } })
    expect(usage.summary.tail.join("\n")).toContain("unrecognized arguments: --nonsense")
  })

  test("a killed and a crashed runner", () => {
    const die = (name: string): string =>
      `import os, signal\ndef test_a(): os.kill(os.getpid(), signal.${name})\n`
    expect(run("pytest", { "test_a.py": die("SIGKILL") })).toMatchObject({
      status: 2,
      summary: { verdict: "killed", signal: "SIGKILL" },
    })
    expect(run("pytest", { "test_a.py": die("SIGSEGV") })).toMatchObject({
      status: 2,
      summary: { verdict: "crashed", signal: "SIGSEGV" },
    })
  })

  test("an exit in the middle is never green", () => {
    const { status, summary } = run("pytest", {
      "test_a.py": "import os\ndef test_a(): os._exit(0)\n",
    })
    expect(status).toBe(2)
    expect(summary.verdict).toBe("aborted")
  })

  test("a process that is left behind does not hold the run", () => {
    const text = "import subprocess\ndef test_a(): subprocess.Popen(['sleep', '20'])\n"
    const started = performance.now()
    expect(run("pytest", { "test_a.py": text }, ["-s"]).summary.verdict).toBe("passed")
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  test("a JUnit file with a document type is not read", () => {
    const files = {
      "test_a.py": "def test_a(): pass\n",
      "conftest.py": `import atexit, sys
path = next(a for a in sys.argv if a.startswith("--junitxml="))[11:]
bomb = '<!DOCTYPE a [<!ENTITY b "c">]><testsuite tests="1"><testcase name="&b;"/></testsuite>'
atexit.register(lambda: open(path, "w").write(bomb))
`,
    }
    expect(run("pytest", files)).toMatchObject({
      status: 0,
      summary: { junit: false, junitError: "the JUnit file has a document type" },
    })
  })
})

describe("unittest", () => {
  const text = `import unittest

class T(unittest.TestCase):
    def test_ok(self): pass
    def test_bad(self): self.assertEqual(1, 2)
    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i): self.assertNotEqual(i, 1)
    @unittest.skip("not now")
    def test_skip(self): pass
    @unittest.expectedFailure
    def test_expected(self): self.fail()
`
  test("counts and places", () => {
    const { status, summary, directory } = run("unittest", { "tests/test_a.py": text }, [
      "discover",
      "-s",
      "tests",
    ])
    expect(status).toBe(1)
    expect(summary.counts).toEqual({
      passed: 1,
      failed: 2,
      errors: 0,
      skipped: 1,
      xfailed: 1,
      xpassed: 0,
    })
    expect(summary.failures).toEqual([
      {
        id: "tests/test_a.py::test_bad",
        kind: "failed",
        file: "tests/test_a.py",
        line: 5,
        message: "AssertionError: 1 != 2",
      },
      {
        id: "tests/test_a.py::test_sub (i=1)",
        kind: "failed",
        file: "tests/test_a.py",
        line: 8,
        message: "AssertionError: 1 == 1",
      },
    ])
    expect(existsSync(join(directory, "reports/junit/run.xml"))).toBe(true)
  })

  test("modules are imported from the working directory", () => {
    const files = {
      "shape.py": "SIDES = 4\n",
      "test_a.py":
        "import unittest, shape\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(shape.SIDES, 4)\n",
    }
    expect(run("unittest", files, ["discover"])).toMatchObject({
      status: 0,
      summary: { counts: { passed: 1 } },
    })
  })

  test("no tests", () => {
    expect(run("unittest", {}, ["discover"])).toMatchObject({
      status: 1,
      summary: { verdict: "no-tests" },
    })
  })

  test("a module that cannot be imported is an error with its name", () => {
    const { status, summary } = run("unittest", { "test_a.py": "import nowhere\n" }, ["discover"])
    expect(status).toBe(1)
    expect(summary.counts.errors).toBe(1)
    expect(summary.failures[0]).toMatchObject({
      kind: "error",
      message: "ModuleNotFoundError: No module named 'nowhere'",
    })
  })
})
