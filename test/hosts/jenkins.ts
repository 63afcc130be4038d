import { writeFileSync } from "node:fs"
import path from "node:path"
import type { TestContext } from "vitest"
import { $ } from "zx"
import { ending, folder, machine, need, type Project } from "./host.ts"

/** Runs a Jenkinsfile with Groovy; what is in braces it does as `run.groovy` says. */
export async function jenkins(
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
    ...ending,
    env,
  })`java -cp ${groovy} groovy.ui.GroovyMain ${script} ${file} ${secrets}`
  return { exitCode, said: stdout + stderr }
}

/** Runs the Jenkinsfile of a project. */
export const run = (
  { at }: Project,
  context: TestContext,
  options?: { branch?: string; credentials?: object },
) => jenkins(at, "Jenkinsfile", context, options)
