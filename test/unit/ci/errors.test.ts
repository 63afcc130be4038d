import { expect, test } from "vitest"
import {
  codeOf,
  EXIT_CLASS,
  exitClassOf,
  installFailed,
  lockStale,
  noTests,
  PylineError,
  testsFailed,
  testsKilled,
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
    testsFailed(failures, 2, 44, "42 passed, 2 failed in 3.1 s").message,
  ).toMatchInlineSnapshot(`
    "error[TESTS_FAILED]: 2 of 44 tests failed
      tests/test_a.py:12 test_b - assert 1 == 2
      tests/test_broken.py:3 - ModuleNotFoundError: No module named 'x'
      test_c
    42 passed, 2 failed in 3.1 s"
  `)
})

test("only the first twenty failed tests are named", () => {
  const failures = Array.from({ length: 30 }, (_, index) => ({ id: `test_${index}` }))
  const lines = testsFailed(failures, 31, 31, "31 failed in 1.0 s").message.split("\n")
  expect(lines).toHaveLength(23)
  expect(lines.slice(-3)).toEqual(["  test_19", "  and 11 more", "31 failed in 1.0 s"])
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
  expect(testsKilled("the tests", "tests/test_big.py ...").message).toMatchInlineSnapshot(`
    "error[TESTS_KILLED]: the tests were killed, probably out of memory
    The last line they printed: tests/test_big.py ...
    fix: give the engine more memory, or run fewer tests side by side
    docs: docs/tests.md
    killed, probably out of memory"
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
