import { existsSync, readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { expect, type TestContext, test } from "vitest"
import { $ } from "zx"
import { bare, need, type Project, project, pyline } from "./host.ts"

/** Runs the jobs of a project that its rules choose, with the shell of this machine. */
async function gitlab({ at }: Project, context: TestContext, words: string[] = []) {
  const program = await need(context, "gitlab-ci-local")
  // A job without an image runs in the shell; its folder is the project itself unless artifacts are to be kept apart.
  const flags = ["--shell-isolation"]
  const { exitCode, stdout, stderr } = await $({
    cwd: at,
    quiet: true,
    nothrow: true,
    env: bare(pyline.env),
  })`${program} ${flags} ${words}`
  return { exitCode, said: stdout + stderr }
}

const reportsOf = ({ at }: Project, job: string) =>
  path.join(at, ".gitlab-ci-local/artifacts", job, "pyline-reports")

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
