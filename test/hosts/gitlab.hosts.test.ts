import { existsSync, readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { gitlab, reportsOf } from "./gitlab.ts"
import { project } from "./host.ts"

test("a green project: the reports that GitLab reads are artifacts", async (context) => {
  const shop = await project("gitlab")
  const run = await gitlab(shop, context)
  expect(run.said).toContain("18 passed")
  expect(run.exitCode).toBe(0)
  const reports = reportsOf(shop, "ci")
  expect(readdirSync(path.join(reports, "junit"))).toEqual(["python-3.13.xml"])
  expect(
    JSON.parse(readFileSync(path.join(reports, "gl-code-quality-report.json"), "utf8")),
  ).toEqual([])
  expect(existsSync(`${shop.at}.pyline`)).toBe(false)
})

test("a red project: red, and the reports all the same", async (context) => {
  const shop = await project("gitlab", { red: true })
  const run = await gitlab(shop, context)
  expect(run.said).toContain("tests/test_word.py:2 test_word AssertionError")
  expect(run.exitCode).toBe(1)
  expect(readFileSync(path.join(reportsOf(shop, "ci"), "junit/python-3.13.xml"), "utf8")).toContain(
    "<failure",
  )
})
