import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, describe, test, vi } from "vitest"
import { parseRuns, type Run } from "../../../ci/src/pipeline/result.ts"
import { verdictOf } from "../../../ci/src/pipeline/summary.ts"
import { probeDirectory, pythonHas } from "./fixtures.ts"

const made: string[] = []
afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

interface Outcome {
  status: number | null
  summary: Run
  log: string
  directory: string
}

async function run(
  runner: "pytest" | "unittest",
  files: Record<string, string>,
  args: string[] = [],
  options: string[] = [],
): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "pyline-run-"))
  made.push(directory)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  const program = join(probeDirectory, "run_tests.py")
  const reports = join(directory, "reports")
  const ours = ["--runner", runner, "--reports", reports, "--name", "run", ...options]
  const child = spawn("python3", ["-IS", program, ...ours, "--", ...args], { cwd: directory })
  let log = ""
  child.stdout.on("data", (data) => {
    log += data
  })
  const [status] = await once(child, "exit")
  const [summary] = parseRuns(readFileSync(join(reports, "result.json"), "utf8"))
  if (summary === undefined) throw new Error("no run")
  return { status, summary, log, directory }
}

/** Names of the tests in JUnit files, sorted. */
const names = (...runs: Outcome[]): string[] =>
  runs
    .flatMap(({ directory }) => [
      ...readFileSync(join(directory, "reports/junit/run.xml"), "utf8").matchAll(
        /<testcase classname="([^"]*)" name="([^"]*)"/g,
      ),
    ])
    .map(([, classname, name]) => `${classname}.${name}`)
    .sort()

const PYTEST = `import pytest

def test_ok():
    print("seen in the log")

def test_bad():
    print("said by the red one")
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

vi.setConfig({ testTimeout: 60_000 })

describe.skipIf(!pythonHas("pytest"))("pytest (skipped where python3 has no pytest)", () => {
  test.concurrent("counts are what pytest itself says, also for a test that passes and then fails in teardown", async ({
    expect,
  }) => {
    const { status, summary, log, directory } = await run("pytest", { "tests/test_a.py": PYTEST })
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
    expect(summary.failures.map(({ text: _, ...failure }) => failure)).toEqual([
      {
        id: "tests/test_a.py::test_bad",
        kind: "failed",
        file: "tests/test_a.py",
        line: 8,
        message: "assert [1, 2] == [1, 3]",
        output: "Captured Out:\nsaid by the red one",
      },
      {
        id: "tests/test_a.py::TestC::test_in",
        kind: "failed",
        file: "tests/test_a.py",
        line: 12,
        message: "ValueError: a | b",
      },
      {
        id: "tests/test_a.py::test_teardown",
        kind: "error",
        file: "tests/test_a.py",
        line: 17,
        message: "RuntimeError: in teardown",
      },
    ])
    expect(summary.failures[0]?.text).toContain("assert [1, 2] == [1, 3]")
    expect(log).toContain("2 failed, 2 passed, 1 skipped, 1 xfailed, 1 error")
    expect(existsSync(join(directory, "reports/junit/run.xml"))).toBe(true)
  })

  test.concurrent("a test that a class inherits is that of its own class, and the slowest come first", async ({
    expect,
  }) => {
    const files = {
      "tests/__init__.py": "",
      "tests/test_base.py":
        "import time\n\nclass TestBase:\n    pause = 0\n    def test_it(self):\n        time.sleep(self.pause)\n        assert self.pause == 0\n",
      "tests/test_more.py":
        "from tests.test_base import TestBase\n\nclass TestMore(TestBase):\n    pause = 0.3\n",
    }
    const { summary } = await run("pytest", files, ["tests/test_base.py", "tests/test_more.py"])
    expect(summary.failures.map(({ id }) => id)).toEqual(["tests/test_more.py::TestMore::test_it"])
    expect(summary.slowest?.[0]?.id).toBe("tests/test_more.py::TestMore::test_it")
    expect(summary.slowest?.[0]?.seconds).toBeGreaterThan(0.29)
  })

  test.concurrent("green", async ({ expect }) => {
    const { status, summary } = await run("pytest", { "test_a.py": "def test_a(): pass\n" })
    expect(status).toBe(0)
    expect(summary.verdict).toBe("passed")
    expect(verdictOf({ ...summary, seconds: 3.14 })).toBe("1 passed in 3.1 s")
  })

  test.concurrent("the project's own options do not hide the report", async ({ expect }) => {
    const files = {
      "test_a.py": "def test_a(): assert 0\n",
      "pytest.ini": "[pytest]\naddopts = -qq --no-header --tb=no --junitxml=x.xml\n",
    }
    const { summary } = await run("pytest", files)
    expect(summary.counts.failed).toBe(1)
    expect(summary.failures[0]?.id).toBe("test_a.py::test_a")
  })

  test.concurrent("no tests is a verdict of its own, and can be allowed", async ({ expect }) => {
    expect(await run("pytest", {})).toMatchObject({
      status: 1,
      summary: { verdict: "no-tests", exitCode: 5 },
    })
    expect(await run("pytest", {}, [], ["--allow-no-tests"])).toMatchObject({
      status: 0,
      summary: { verdict: "passed" },
    })
  })

  test.concurrent("an error in collection is red, a usage error is no verdict", async ({
    expect,
  }) => {
    const collection = await run("pytest", { "test_a.py": "import nowhere\n" })
    expect(collection).toMatchObject({
      status: 1,
      summary: { verdict: "failed", counts: { errors: 1 } },
    })
    expect(collection.summary.failures[0]?.message).toBe(
      "ModuleNotFoundError: No module named 'nowhere'",
    )
    const usage = await run("pytest", {}, ["--nonsense"])
    expect(usage).toMatchObject({ status: 2, summary: { verdict: "aborted", exitCode: 4 } })
    expect(usage.summary.tail.join("\n")).toContain("unrecognized arguments: --nonsense")
    expect(usage.summary.stopped).toEqual({
      kind: "usage",
      message: "unrecognized arguments: --nonsense",
    })
  })

  test.concurrent("why there is no verdict, and where", async ({ expect }) => {
    const why = async (files: Record<string, string>, args: string[] = []) =>
      (await run("pytest", { "tests/test_a.py": "def test_a(): pass\n", ...files }, args)).summary
        .stopped
    expect(await why({ "tests/conftest.py": "import os\nimport nowhere\n" })).toEqual({
      kind: "import",
      message: "ModuleNotFoundError: No module named 'nowhere'",
      file: "tests/conftest.py",
      line: 2,
    })
    expect(await why({ "tests/conftest.py": "def f(:\n" })).toMatchObject({
      kind: "import",
      message: expect.stringContaining("SyntaxError"),
      line: 1,
    })
    expect(await why({ "pytest.ini": "[pytest]\nnonsense\n" })).toEqual({
      kind: "usage",
      message: "unexpected line: 'nonsense'",
      file: "pytest.ini",
      line: 2,
    })
    const loop = "def pytest_runtestloop(session):\n    raise RuntimeError('boom')\n"
    expect(await why({ "tests/conftest.py": loop })).toEqual({
      kind: "error",
      message: "RuntimeError: boom",
      file: "tests/conftest.py",
      line: 2,
    })
    const exit = "import pytest\ndef test_a(): pytest.exit('no database', 7)\n"
    expect(await why({ "tests/test_a.py": exit })).toEqual({
      kind: "exit",
      message: "Exit: no database",
    })
  })

  test.concurrent("where a process was that died", async ({ expect }) => {
    const stopped = async (code: string, args: string[] = []) => {
      const text = `import ctypes, faulthandler, os, signal, time\ndef test_ok(): pass\ndef test_a():\n    ${code}\n`
      return (await run("pytest", { "tests/test_a.py": text }, args)).summary.stopped
    }
    const kill = "os.kill(os.getpid(), signal.SIGKILL)"
    expect(await stopped(kill)).toEqual({ kind: "running", file: "tests/test_a.py" })
    expect(await stopped(kill, ["-v"])).toEqual({
      kind: "running",
      file: "tests/test_a.py",
      test: "test_a",
    })
    expect(await stopped("ctypes.string_at(0)")).toEqual({
      kind: "crash",
      message: "Segmentation fault",
      file: "tests/test_a.py",
      line: 4,
      test: "test_a",
    })
    // As pytest-timeout does where it cannot interrupt a test.
    const timeout =
      "print(''.join(__import__('traceback').format_stack()), '+++ Timeout +++', sep='\\n', flush=True); os._exit(1)"
    expect(await stopped(timeout, ["-s"])).toMatchObject({
      kind: "timeout",
      file: "tests/test_a.py",
      line: 4,
      test: "test_a",
    })
  })

  test.concurrent("a killed and a crashed runner", async ({ expect }) => {
    const die = (name: string): string =>
      `import os, signal\ndef test_a(): os.kill(os.getpid(), signal.${name})\n`
    expect(await run("pytest", { "test_a.py": die("SIGKILL") })).toMatchObject({
      status: 2,
      summary: { verdict: "killed", signal: "SIGKILL" },
    })
    expect(await run("pytest", { "test_a.py": die("SIGSEGV") })).toMatchObject({
      status: 2,
      summary: { verdict: "crashed", signal: "SIGSEGV" },
    })
  })

  test.concurrent("an exit in the middle is never green", async ({ expect }) => {
    const { status, summary } = await run("pytest", {
      "test_a.py": "import os\ndef test_a(): os._exit(0)\n",
    })
    expect(status).toBe(2)
    expect(summary.verdict).toBe("aborted")
  })

  test.concurrent("a process that is left behind does not hold the run", async ({ expect }) => {
    const text = "import subprocess\ndef test_a(): subprocess.Popen(['sleep', '20'])\n"
    const started = performance.now()
    expect((await run("pytest", { "test_a.py": text }, ["-s"])).summary.verdict).toBe("passed")
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  test.concurrent("parts of a suite are the suite, and take equally long by an earlier run", async ({
    expect,
  }) => {
    const slow = (n: number, seconds: number): string =>
      `import pytest, time
def test_${n}(): time.sleep(${seconds})
@pytest.mark.parametrize("x", ["a", "b/c", "d::e", "[q]", "ü"])
def test_p(x): pass
class TestC:
    def test_m(self): pass
`
    const files = {
      "test_a.py": slow(1, 0.6),
      "tests/test_b.py": slow(2, 0),
      "tests/test_c.py": slow(3, 0.3),
      "tests/test_d.py": slow(4, 0.3),
    }
    const whole = await run("pytest", files)
    const durations = ["--durations", join(whole.directory, "reports")]
    for (const options of [[], durations]) {
      const parts = await Promise.all(
        [1, 2].map((index) => run("pytest", files, [], ["--shard", `${index}/2`, ...options])),
      )
      expect(names(...parts)).toEqual(names(whole))
      expect(parts.map(({ status }) => status)).toEqual([0, 0])
      if (options.length === 0) continue
      const slowest = parts.map((part) => names(part).filter((name) => /test_[134]$/.test(name)))
      expect(slowest.sort((a, b) => a.length - b.length)).toEqual([
        ["test_a.test_1"],
        ["tests.test_c.test_3", "tests.test_d.test_4"],
      ])
    }
    // More parts than tests: one that has none is not a suite without tests.
    const few = { "test_a.py": "def test_a(): pass\n" }
    const empty = await Promise.all(
      [1, 2, 3].map((index) => run("pytest", few, [], ["--shard", `${index}/3`])),
    )
    expect(empty.map(({ summary }) => summary.verdict)).toEqual(["passed", "passed", "passed"])
    expect((await run("pytest", {}, [], ["--shard", "1/3"])).summary.verdict).toBe("no-tests")
  })

  test.concurrent("a JUnit file with a document type is not read", async ({ expect }) => {
    const files = {
      "test_a.py": "def test_a(): pass\n",
      "conftest.py": `import atexit, sys
path = next(a for a in sys.argv if a.startswith("--junitxml="))[11:]
bomb = '<!DOCTYPE a [<!ENTITY b "c">]><testsuite tests="1"><testcase name="&b;"/></testsuite>'
atexit.register(lambda: open(path, "w").write(bomb))
`,
    }
    expect(await run("pytest", files)).toMatchObject({
      status: 0,
      summary: { junitError: "the JUnit file has a document type" },
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
  test.concurrent("counts and places", async ({ expect }) => {
    const { status, summary, directory } = await run("unittest", { "tests/test_a.py": text }, [
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
    expect(summary.failures.map(({ text: _, ...failure }) => failure)).toEqual([
      {
        id: "tests/test_a.py::T::test_bad",
        kind: "failed",
        file: "tests/test_a.py",
        line: 5,
        message: "AssertionError: 1 != 2",
      },
      {
        id: "tests/test_a.py::T::test_sub (i=1)",
        kind: "failed",
        file: "tests/test_a.py",
        line: 8,
        message: "AssertionError: 1 == 1",
      },
    ])
    expect(existsSync(join(directory, "reports/junit/run.xml"))).toBe(true)
  })

  test.concurrent("parts of a suite are the suite", async ({ expect }) => {
    const files = {
      "tests/test_a.py": text,
      "tests/test_b.py": text.replace("class T", "class U"),
      "tests/test_broken.py": "import nowhere\n",
    }
    const args = ["discover", "-s", "tests"]
    const whole = await run("unittest", files, args)
    const parts = await Promise.all(
      [1, 2, 3].map((index) => run("unittest", files, args, ["--shard", `${index}/3`])),
    )
    expect(whole.summary.counts).toMatchObject({ passed: 2, errors: 1 })
    for (const [index, { summary }] of parts.entries())
      expect(summary.shard).toMatchObject({ index: index + 1, count: 3, of: 11 })
    expect(names(...parts)).toEqual(names(whole))
  })

  test.concurrent("modules are imported from the working directory", async ({ expect }) => {
    const files = {
      "shape.py": "SIDES = 4\n",
      "test_a.py":
        "import unittest, shape\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(shape.SIDES, 4)\n",
    }
    expect(await run("unittest", files, ["discover"])).toMatchObject({
      status: 0,
      summary: { counts: { passed: 1 } },
    })
  })

  test.concurrent("no tests", async ({ expect }) => {
    expect(await run("unittest", {}, ["discover"])).toMatchObject({
      status: 1,
      summary: { verdict: "no-tests" },
    })
  })

  test.concurrent("a module that cannot be imported is an error with its name", async ({
    expect,
  }) => {
    const { status, summary } = await run("unittest", { "test_a.py": "import nowhere\n" }, [
      "discover",
    ])
    expect(status).toBe(1)
    expect(summary.counts.errors).toBe(1)
    expect(summary.failures[0]).toMatchObject({
      kind: "error",
      message: "ModuleNotFoundError: No module named 'nowhere'",
    })
  })
})
