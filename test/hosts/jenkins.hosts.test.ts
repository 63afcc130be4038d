import { writeFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { root } from "./checkout.ts"
import { folder, project } from "./host.ts"
import { jenkins, run } from "./jenkins.ts"

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
