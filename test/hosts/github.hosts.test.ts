import { expect, test } from "vitest"
import { act } from "./act.ts"
import { project } from "./host.ts"

test("a green project: a step summary, and the reports as an artifact", async (context) => {
  const run = await act(await project("github"), context, "pull_request")
  expect(run.said).toContain("Job succeeded")
  expect(run.exitCode).toBe(0)
  expect(run.said).toContain("# ✅ All 18 tests passed")
  expect(run.artifacts["pyline-reports"]).toEqual(
    expect.arrayContaining(["index.html", "junit", "result.json", "summary.md"]),
  )
  expect(JSON.parse(run.read("pyline-reports", "result.json")).verdict).toBe("passed")
})

test("a red project: red, with an annotation at the line, and the reports all the same", async (context) => {
  const run = await act(await project("github", { red: true }), context, "push")
  expect(run.exitCode).toBe(1)
  expect(run.said).toMatch(/::error file=tests\/test_word\.py,line=2\b/)
  expect(run.said).toContain("# ❌")
  expect(run.read("pyline-reports", "junit/python-3.13.xml")).toContain("test_word")
})
