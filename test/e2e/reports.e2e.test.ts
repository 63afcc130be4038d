import { randomUUID } from "node:crypto"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import type { Result } from "../../ci/src/pipeline/result.ts"
import { violations } from "../schema.ts"
import { example, folder, lastLine, pyline } from "./pyline.ts"

/** A project that has something red in it, in this file. */
function project(files: Record<string, string>): string {
  const source = example("unittest-stdlib")
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(source, name), text)
  return source
}

async function reports(source: string, ...args: string[]) {
  const out = folder()
  const { exitCode, all } = await pyline(["reports", "--source", source, "-o", out, ...args])
  expect(exitCode, all).toBe(0)
  const read = (name: string) => readFileSync(path.join(out, name), "utf8")
  const result = JSON.parse(read("result.json")) as Result
  expect(violations("result", result)).toEqual([])
  return { out, read, result, page: read("index.html") }
}

const test_case = (...body: string[]) =>
  ["import os, signal, unittest", "class T(unittest.TestCase):", "    def test_it(self):"]
    .concat(
      body.map((line) => `        ${line}`),
      "",
    )
    .join("\n")

const red = {
  "a red test": [{ "test_red.py": test_case("self.assertEqual(1, 2, 'sums')") }, "failed", "sums"],
  "an error in collection": [
    { "test_red.py": "import nowhere_to_be_found\n" },
    "failed",
    "nowhere_to_be_found",
  ],
  "a process that is killed": [
    { "test_red.py": test_case("os.kill(os.getpid(), signal.SIGKILL)") },
    "killed",
    "were killed",
  ],
  "a process that is killed with the one that watches it": [
    { "test_red.py": test_case("os.kill(os.getppid(), signal.SIGKILL)") },
    "killed",
    "were killed",
  ],
  "a process that ends in the middle": [
    { "test_red.py": test_case("print('halfway', flush=True)", "os._exit(0)") },
    "aborted",
    "halfway",
  ],
  "no tests": [{ "test_red.py": "" }, "no-tests", "found nothing to run"],
} as const

describe("a red run leaves its reports", () => {
  test.each(Object.entries(red))("%s", async (name, [files, verdict, said]) => {
    const source = project(files)
    if (name === "no tests") rmSync(path.join(source, "test_roman.py"))
    const run = await pyline(["test", "--source", source])
    expect(run.exitCode, run.all).toBe(1)
    const { read, result, page } = await reports(source, "--only", "test")
    expect(result.verdict).toBe("failed")
    expect(result.runs[0]?.verdict).toBe(verdict)
    expect(page).toContain(said)
    expect(read("summary.md")).toMatch(/^# ❌ /)
  })

  const checks = {
    lint: [{ "wrong.py": "print(undefined_name)\n" }, "wrong.py"],
    format: [
      { "pyproject.toml": "[tool.black]\nline-length = 80\n", "wrong.py": "x = {  'a':1 }\n" },
      "wrong.py",
    ],
  } as const

  test.each(Object.entries(checks))("the check %s", async (check, [files, file]) => {
    const source = project(files)
    const { out, read, result, page } = await reports(source, "--only", check)
    expect(result.checks.map((one) => [one.check, one.outcome])).toEqual([[check, "failed"]])
    expect(page).toContain(file)
    expect(JSON.parse(read(`check-${check}.json`))).toMatchObject({ check, outcome: "failed" })
    expect(JSON.parse(read(`${check}.sarif`))).toMatchObject({ version: "2.1.0" })
    expect(JSON.parse(read("gl-code-quality-report.json"))).toContainEqual(
      expect.objectContaining({ location: { path: file, lines: { begin: 1 } } }),
    )
    expect(existsSync(path.join(out, "junit"))).toBe(false)
  })
})

test("all checks in one folder, and nothing that ran for ci runs again", async () => {
  const source = project({ "test_red.py": test_case(`self.fail("${randomUUID()}")`) })
  const ci = await pyline(["ci", "--source", source])
  expect(ci.exitCode, ci.all).toBe(1)
  const { result, page } = await reports(source)
  const said = /[0-9a-f-]{36}/.exec(JSON.stringify(result.runs))?.[0]
  expect(said).toBeDefined()
  expect(page).toContain(said)
  expect(result.checks.map(({ check }) => check)).toEqual(expect.arrayContaining(["lint", "lock"]))
  // The steps of ci itself: what these reports are made of ran then.
  const [, steps = "null"] = /id="steps">(.*?)<\/script>/.exec(page) ?? []
  expect(JSON.parse(steps).steps).toContainEqual(
    expect.objectContaining({ name: "exec unittest (python-3.13)", status: "done" }),
  )
})

test("report shows the last run, history what changes from run to run", async () => {
  // A coin that always falls the same way: green at first, red when it is tossed again.
  const how = 'open(f"/proc/{os.getppid()}/cmdline").read()'
  const source = project({ "test_coin.py": test_case(`self.assertNotIn("--attempt", ${how})`) })
  const at = ["--source", source]
  const none = await pyline(["report", ...at])
  expect([none.exitCode, none.all]).toEqual([2, expect.stringContaining("nothing has been run")])

  expect((await pyline(["test", ...at])).exitCode).toBe(0)
  expect((await pyline(["test", ...at])).exitCode).toBe(0)
  expect((await pyline(["test", ...at, "--attempt", "2"])).exitCode).toBe(1)
  const history = await pyline(["history", ...at])
  expect(history.exitCode, history.all).toBe(0)
  expect(history.stdout).toMatch(/^✔ .+ All 6 tests passed\n✖ .+ 1 of 6 tests failed\n\nflaky: /)
  expect(lastLine(history.stdout)).toBe(
    "  test_coin.py::T::test_it  red in 1 of 2 runs on Python 3.13",
  )

  const report = await pyline(["report", ...at])
  expect(report.exitCode, report.all).toBe(0)
  const [title, page = ""] = report.stdout.trim().split("\n")
  expect(title).toBe("1 of 6 tests failed")
  // What the page says to type is what shows it again.
  const command = /<code>pyline test -- -k &#x27;(.+?)&#x27;<\/code>/.exec(
    readFileSync(page, "utf8"),
  )
  expect(command?.[1]).toBe("*test_coin.T.test_it")
  const again = await pyline(["test", ...at, "--attempt", "2", "--", "-k", command?.[1] ?? ""])
  expect([again.exitCode, lastLine(again.all)]).toEqual([1, expect.stringContaining("1 failed")])
})

test("under GitHub Actions what is red is annotated and in the summary of the step", async () => {
  const source = project({ "test_red.py": test_case("self.assertEqual(1, 2, 'a, b: c')") })
  const summary = path.join(folder(), "summary.md")
  const { exitCode, all } = await pyline(["test", "--source", source], {
    env: {
      GITHUB_ACTIONS: "true",
      GITHUB_STEP_SUMMARY: summary,
      GITHUB_WORKSPACE: path.dirname(source),
    },
  })
  expect(exitCode, all).toBe(1)
  expect(all.split("\n").filter((line) => line.startsWith("::error"))).toEqual([
    "::error file=unittest-stdlib/test_red.py,line=4,title=test_red.py%3A%3AT%3A%3Atest_it::AssertionError: 1 != 2 : a, b: c",
  ])
  expect(readFileSync(summary, "utf8")).toMatch(/^# ❌ 1 of \d+ tests failed/)
  expect(lastLine(all)).toMatch(/^::error|failed in/)
})
