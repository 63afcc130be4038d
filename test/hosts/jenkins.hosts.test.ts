import { writeFileSync } from "node:fs"
import path from "node:path"
import { expect, type TestContext, test } from "vitest"
import { $ } from "zx"
import { root } from "./checkout.ts"
import { folder, machine, need, type Project, project } from "./host.ts"

/** Runs a Jenkinsfile with Groovy; what is in braces it does as `run.groovy` says. */
async function jenkins(
  at: string,
  file: string,
  context: TestContext,
  { branch = "main", credentials = {} } = {},
) {
  const groovy = await need(context, "groovy")
  const scratch = folder()
  const secrets = path.join(scratch, "credentials.json")
  writeFileSync(secrets, JSON.stringify(credentials))
  const env = { ...(await machine()), BRANCH_NAME: branch, WORKSPACE_TMP: scratch }
  const script = path.join(import.meta.dirname, "jenkins/run.groovy")
  const { exitCode, stdout, stderr } = await $({
    cwd: at,
    quiet: true,
    nothrow: true,
    env,
  })`java -cp ${groovy} groovy.ui.GroovyMain ${script} ${file} ${secrets}`
  return { exitCode, said: stdout + stderr }
}

const run = (
  { at }: Project,
  context: TestContext,
  options?: { branch?: string; credentials?: object },
) => jenkins(at, "Jenkinsfile", context, options)

test("a green project: JUnit and the reports are kept", async (context) => {
  const { said, exitCode } = await run(await project("jenkins"), context)
  expect(said).toContain("18 passed")
  expect(said).toContain("[junit] 1\n")
  expect(said).toMatch(/\[archived\] \d{2}\n/)
  expect(exitCode).toBe(0)
})

test("a red project: red, with the reports all the same, and nothing is published", async (context) => {
  const shop = await project("jenkins", {
    red: true,
    flags: ["--registry", "127.0.0.1:1/shop"],
  })
  const { said, exitCode } = await run(shop, context)
  expect(said).toContain("tests/test_word.py:2 test_word AssertionError")
  expect(said).toContain("ERROR: script returned exit code 1\n")
  expect(said).toContain("[junit] 1\n")
  expect(said).toContain("[skipped] Publish\n")
  expect(exitCode).toBe(1)
})

test("each file is one for Groovy, and says nothing that the runner does not know", async (context) => {
  // In a folder without the project its first stage fails, and the others are read and skipped.
  for (const purpose of ["check", "publish", "release"]) {
    const file = path.join(root, "test/unit/cli/init/files", purpose, "Jenkinsfile")
    const { said, exitCode } = await jenkins(folder(), file, context)
    expect(said).toContain("[stage] Pyline\n")
    expect(said).toContain("[skipped] Checks\n")
    expect(exitCode).toBe(1)
  }
  const wrong = path.join(folder(), "Jenkinsfile")
  writeFileSync(
    wrong,
    "pipeline {\n  agent any\n  stages {\n    stage('a') { step { sh 'true' } }\n  }\n}\n",
  )
  expect((await jenkins(folder(), wrong, context)).said).toContain(
    "No signature of method: Stage.step()",
  )
  writeFileSync(wrong, "pipeline {\n  agent any\n")
  expect((await jenkins(folder(), wrong, context)).said).toContain("Jenkinsfile: 3: expecting '}'")
})
