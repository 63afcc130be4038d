import { describe, expect, test } from "vitest"
import { callFrom } from "../../../ci/src/caller.ts"
import { installs, patiently } from "../../../ci/src/pipeline/retry.ts"

const said: string[] = []
callFrom({ notice: (text) => said.push(text), commandLine: (verb) => verb })

const RESET = `error: Request failed after 3 retries in 6.6s
  cause: Failed to fetch: http://127.0.0.1:8099/simple/demo/
  cause: Connection reset by peer (os error 104)
`

/** A failed step as the SDK has it. */
function failed(cmd: string[], stderr: string, exitCode = 2): Error {
  const shape = { name: "ExecError", exitCode, cmd, stdout: "", stderr }
  return Object.assign(new Error(`exit code: ${exitCode}`), shape)
}

/** Work that fails like this so many times, and how often it was done. */
function flaky(times: number, error: Error) {
  let done = 0
  const work = async () => {
    if (++done <= times) throw error
    return "made"
  }
  return { work, count: () => done }
}

const INSTALL = ["uv", "pip", "install", "demo"]

test("an install that failed for a passing reason is done again, and that is said", async () => {
  const { work, count } = flaky(1, failed(INSTALL, RESET))
  expect(await patiently(work)).toBe("made")
  expect(count()).toBe(2)
  expect(said.splice(0)).toEqual([
    "network trouble (the connection was reset): trying again in 1 s, attempt 2 of 3",
  ])
})

test("what waits together says so once", async () => {
  const error = failed(INSTALL, RESET)
  await Promise.all([flaky(1, error), flaky(1, error)].map(({ work }) => patiently(work)))
  expect(said.splice(0)).toHaveLength(1)
})

describe("done once", () => {
  const cases: [string, Error][] = [
    ["tests that print it", failed(["python", "-IS", "/opt/pyline/run_tests.py"], RESET, 1)],
    ["a program of the project", failed(["uv", "run", "demo"], RESET)],
    ["a check", failed(["ruff", "check"], RESET)],
    ["an install that was killed", failed(INSTALL, "", 137)],
    ["a resolution", failed(INSTALL, "error: No solution found when resolving dependencies\n", 1)],
    ["something else", new Error("Connection reset by peer (os error 104)")],
  ]
  test.for(cases)("%s", async ([, error], { expect }) => {
    const { work, count } = flaky(1, error)
    await expect(patiently(work)).rejects.toBe(error)
    expect(count()).toBe(1)
  })
})

test("which commands install", () => {
  const yes = [
    "uv sync --frozen",
    "uv pip install -r requirements.txt",
    "/opt/pyline/tools/bin/uv tool install ruff",
    "python -m pip install uv",
    "python /opt/pyline/input/build.py uv sync --frozen",
    "sh /opt/pyline/apt.sh libpq-dev",
  ]
  const no = ["uv run pytest", "uv tool run ruff", "python -m pytest", "sh -c uv", "demo --help"]
  expect(yes.filter((line) => !installs(line.split(" ")))).toEqual([])
  expect(no.filter((line) => installs(line.split(" ")))).toEqual([])
})
