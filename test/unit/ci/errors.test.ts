import { expect, test } from "vitest"
import {
  codeOf,
  EXIT_CLASS,
  exitClassOf,
  installFailed,
  lockStale,
  noTests,
  PylineError,
  testsAborted,
  testsCrashed,
  testsFailed,
  testsKilled,
  testsRefused,
} from "../../../ci/src/errors.ts"

test("the code at the start of a message gives the exit status", () => {
  expect(exitClassOf("error[TESTS_FAILED]: 1 of 2 tests failed")).toBe(1)
  expect(exitClassOf("Error: error[LOCK_STALE]: uv.lock does not match pyproject.toml")).toBe(2)
  expect(exitClassOf("error[NETWORK]: a package index could not be reached")).toBe(3)
})

test("a message that only mentions a code has none", () => {
  expect(codeOf("see error[LOCK_STALE]: for what it means")).toBeUndefined()
  expect(codeOf("error[NOT_OURS]: x")).toBeUndefined()
  expect(exitClassOf("exit code: 1")).toBeUndefined()
})

const run = { runner: "pytest", python: "3.13", reproduce: "pyline test --python 3.13 -- x" }

test("every error carries its code", () => {
  const error = lockStale("uv.lock", "pyproject.toml", "uv lock")
  expect(error).toBeInstanceOf(PylineError)
  expect(error.code).toBe("LOCK_STALE")
  expect(EXIT_CLASS[error.code]).toBe(2)
  expect(error.message).toMatchInlineSnapshot(`
    "error[LOCK_STALE]: uv.lock does not match pyproject.toml
    A dependency in pyproject.toml was changed and uv.lock was not, so a frozen install would not be what pyproject.toml says.
    fix: uv lock, then commit uv.lock
    docs: docs/locks.md"
  `)
})

test("failed tests are named with their place, and the verdict is last", () => {
  const failures = [
    { id: "tests/test_a.py::test_b", file: "tests/test_a.py", line: 12, message: "assert 1 == 2" },
    {
      id: "tests/test_broken.py",
      file: "tests/test_broken.py",
      line: 3,
      message: "ModuleNotFoundError: No module named 'x'",
    },
    { id: "test_c" },
  ]
  expect(
    testsFailed(failures, 2, 44, "42 passed, 2 failed in 3.1 s", run).message,
  ).toMatchInlineSnapshot(`
    "error[TESTS_FAILED]: 2 of 44 tests failed (pytest, Python 3.13)
      tests/test_a.py:12 test_b - assert 1 == 2
      tests/test_broken.py:3 - ModuleNotFoundError: No module named 'x'
      test_c
    reproduce: pyline test --python 3.13 -- x
    42 passed, 2 failed in 3.1 s"
  `)
})

test("only the first twenty failed tests are named", () => {
  const failures = Array.from({ length: 30 }, (_, index) => ({ id: `test_${index}` }))
  const lines = testsFailed(failures, 31, 31, "31 failed in 1.0 s", run).message.split("\n")
  expect(lines).toHaveLength(24)
  expect(lines.slice(-4, -2)).toEqual(["  test_19", "  and 11 more"])
})

test("no tests", () => {
  expect(noTests("pytest", "in tests/", "no tests in 0.2 s").message).toMatchInlineSnapshot(`
    "error[NO_TESTS]: pytest found no tests
    It looked in tests/. A run that tests nothing is not green.
    fix: add a test, or allow it: --allow-no-tests
    docs: docs/tests.md
    no tests in 0.2 s"
  `)
})

test("killed", () => {
  expect(
    testsKilled("tests/test_big.py ...", {
      ...run,
      stopped: { kind: "running", file: "tests/test_big.py" },
    }).message,
  ).toMatchInlineSnapshot(`
    "error[TESTS_KILLED]: the tests were killed, probably out of memory (pytest, Python 3.13)
      tests/test_big.py - was running
    fix: give the engine more memory, or run fewer tests side by side
    reproduce: pyline test --python 3.13 -- x
    docs: docs/tests.md
    killed, probably out of memory"
  `)
})

test("crashed", () => {
  const stopped = {
    kind: "crash",
    message: "Segmentation fault",
    file: "a.py",
    line: 4,
    test: "test_k",
  }
  expect(testsCrashed("SIGSEGV", "x", { ...run, stopped }).message).toMatchInlineSnapshot(`
    "error[TESTS_CRASHED]: pytest crashed (SIGSEGV) on Python 3.13
      a.py:4 test_k - Segmentation fault
    fix: look at the extension modules (C, Rust) that the test uses
    reproduce: pyline test --python 3.13 -- x
    docs: docs/tests.md
    crashed (SIGSEGV)"
  `)
})

test("the runner could not start", () => {
  const stopped = {
    kind: "import",
    message: "ModuleNotFoundError: No module named 'x'",
    file: "tests/conftest.py",
    line: 2,
  }
  expect(
    testsAborted(4, ["E   ModuleNotFoundError: No module named 'x'"], { ...run, stopped }).message,
  ).toMatchInlineSnapshot(`
    "error[TESTS_ABORTED]: pytest could not start (Python 3.13)
      tests/conftest.py:2 - ModuleNotFoundError: No module named 'x'
      E   ModuleNotFoundError: No module named 'x'
    reproduce: pyline test --python 3.13 -- x
    docs: docs/tests.md
    no verdict: pytest stopped with exit status 4"
  `)
})

test("the runner does not take its arguments", () => {
  const refused = (message: string, more = {}) =>
    testsRefused({ ...run, stopped: { kind: "usage", message, ...more } }).message
  expect(
    refused("unrecognized arguments: --cov=demo", { file: "pyproject.toml" }),
  ).toMatchInlineSnapshot(`
    "error[TESTS_REFUSED]: pytest does not start: pyproject.toml: unrecognized arguments: --cov=demo
    fix: add pytest-cov to the project's test dependencies, or take --cov=demo away
    reproduce: pyline test --python 3.13 -- x
    docs: docs/tests.md
    no verdict: pytest did not start"
  `)
  expect(refused("unexpected line: 'foo'", { file: "pytest.ini", line: 2 })).toMatchInlineSnapshot(`
    "error[TESTS_REFUSED]: pytest does not start: pytest.ini:2: unexpected line: 'foo'
    fix: correct pytest.ini
    reproduce: pyline test --python 3.13 -- x
    docs: docs/tests.md
    no verdict: pytest did not start"
  `)
  expect(refused("file or directory not found: tests/nope.py")).toMatchInlineSnapshot(`
    "error[TESTS_REFUSED]: pytest does not start: file or directory not found: tests/nope.py
    fix: correct the arguments
    reproduce: pyline test --python 3.13 -- x
    docs: docs/tests.md
    no verdict: pytest did not start"
  `)
})

test("a failed install shows what the installer printed", () => {
  expect(
    installFailed("RESOLUTION_FAILED", "demo", ["no solution found"]).message,
  ).toMatchInlineSnapshot(`
    "error[RESOLUTION_FAILED]: the dependencies of demo cannot be installed together
      no solution found
    docs: docs/package-managers.md"
  `)
})
