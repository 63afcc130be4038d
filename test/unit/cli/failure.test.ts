import { expect, test } from "vitest"
import { lockStale, testsFailed } from "../../../ci/src/errors.ts"
import { explain, Interrupted, UsageError } from "../../../cli/failure.ts"
import { EngineError } from "../../../engine/daemon/error.ts"

const named = (name: string, message: string, more = {}) =>
  Object.assign(new Error(message), { name }, more)

test("red tests exit with 1, and their own words are printed as they are", () => {
  const error = testsFailed(
    [{ id: "tests/test_a.py::test_b" }],
    1,
    42,
    "41 passed, 1 failed in 3.1 s",
    { runner: "pytest", python: "3.13", reproduce: "pyline test" },
  )
  expect(explain(error)).toEqual({ exit: 1, text: error.message })
})

test("a project that is wrong exits with 2", () => {
  expect(explain(lockStale("uv.lock", "pyproject.toml", "uv lock")).exit).toBe(2)
})

test("a command line that is wrong exits with 2", () => {
  expect(explain(new UsageError("no such verb", "pyline --help"))).toEqual({
    exit: 2,
    text: "error[USAGE]: no such verb\nfix: pyline --help",
  })
})

test("an engine that fails exits with 3 and says what to do", () => {
  const error = new EngineError("NO_RUNC", "runc is not installed.", { fix: "apt install runc" })
  expect(explain(error)).toEqual({
    exit: 3,
    text: "error[NO_RUNC]: runc is not installed.\nfix: apt install runc",
  })
  expect(explain(named("GraphQLRequestError", "failed to pull")).exit).toBe(3)
  expect(explain(named("Error", "connect", { code: "ECONNREFUSED" })).exit).toBe(3)
  const cause = named("FetchError", "connect ECONNREFUSED", { code: "ECONNREFUSED" })
  expect(explain(Object.assign(named("UnknownDaggerError", "unknown"), { cause }))).toEqual({
    exit: 3,
    text: "error[ENGINE]: unknown\ncause: connect ECONNREFUSED",
  })
})

test("a step that nobody expected to fail exits with 1, with its output first", () => {
  const error = named("ExecError", "exit code: 4", {
    cmd: ["make", "all"],
    exitCode: 4,
    stdout: "out",
    stderr: "err",
  })
  expect(explain(error)).toEqual({
    exit: 1,
    text: "out\nerr\nerror[STEP_FAILED]: `make all` ended with exit code 4",
  })
})

test("an interruption exits with 130", () => {
  expect(explain(new Interrupted()).exit).toBe(130)
})

test("a fault of ours says so, without a stack", () => {
  expect(explain(new TypeError("x is undefined"))).toEqual({
    exit: 3,
    text: "error[INTERNAL]: x is undefined\nfix: this is a fault in pyline; --trace shows where",
  })
})
