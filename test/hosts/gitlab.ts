import path from "node:path"
import type { TestContext } from "vitest"
import { $ } from "zx"
import { bare, ending, need, type Project, pyline } from "./host.ts"

/** Runs the jobs of a project that its rules choose, with the shell of this machine. */
export async function gitlab({ at }: Project, context: TestContext, words: string[] = []) {
  const program = await need(context, "gitlab-ci-local")
  // A job without an image runs in the shell; its folder is the project itself unless artifacts are to be kept apart.
  const flags = ["--shell-isolation"]
  const { exitCode, stdout, stderr } = await $({
    cwd: at,
    ...ending,
    env: bare(pyline.env),
  })`${program} ${flags} ${words}`
  return { exitCode, said: stdout + stderr }
}

/** Where the artifacts of a job are. */
export const reportsOf = ({ at }: Project, job: string) =>
  path.join(at, ".gitlab-ci-local/artifacts", job, "pyline-reports")
