import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { parse } from "yaml"
import { $ } from "zx"
import { ending } from "./host.ts"

export interface Ran {
  /** Whether the host would say that the job is green. */
  passed: boolean
  said: string
}

type Env = NodeJS.ProcessEnv

interface TravisJob {
  stage: string
  before_script?: string[]
  script: string[]
}

/**
 * Does the job of a stage of a `.travis.yml` as Travis CI does: line by line in one shell. A line of `install` or `before_script`
 * that fails ends it; of `script` all are run.
 */
export async function travis(project: string, stage: string, env: Env): Promise<Ran> {
  const file = read(project, ".travis.yml") as { install: string[]; jobs: { include: TravisJob[] } }
  const job = file.jobs.include.find((one) => one.stage === stage)
  if (job === undefined) throw new Error(`no job is of the stage ${stage}`)
  const before = [...file.install, ...(job.before_script ?? [])]
  const script = [
    "result=0",
    ...before.flatMap((line) => [line, "[ $? = 0 ] || exit 2"]),
    ...job.script.flatMap((line) => [line, "[ $? = 0 ] || result=1"]),
    "exit $result",
  ]
  return bash(script.join("\n"), project, { ...env, TRAVIS: "true", CI: "true" }, [])
}

type CircleStep =
  | string
  | { [kind: string]: string | { command?: string; when?: string; path?: string } }

/**
 * Does a job of a `.circleci/config.yml` as CircleCI does: each step in a shell of its own; after one that failed only those
 * that say `when: always`, and what stores files.
 */
export async function circleci(
  project: string,
  name: string,
  env: Env,
): Promise<Ran & { stored: string[] }> {
  const file = read(project, ".circleci/config.yml") as {
    commands: { [name: string]: { steps: CircleStep[] } }
    jobs: { [name: string]: { steps: CircleStep[] } }
  }
  const ran = { passed: true, said: "", stored: [] as string[] }
  const steps = (list: CircleStep[]): CircleStep[] =>
    list.flatMap((step) =>
      typeof step === "string" && file.commands[step] ? steps(file.commands[step].steps) : [step],
    )
  for (const step of steps(file.jobs[name]?.steps ?? [])) {
    if (step === "checkout") continue
    const [kind = "", given = ""] = Object.entries(step)[0] ?? []
    const {
      command,
      when,
      path: place = "",
    } = typeof given === "string" ? { command: given } : given
    if (kind.startsWith("store_")) {
      if (existsSync(path.join(project, place))) ran.stored.push(`${kind} ${place}`)
    } else if (kind !== "run" || command === undefined) throw new Error(`unknown step ${kind}`)
    else if (ran.passed || when === "always") {
      const { passed, said } = await bash(
        command,
        project,
        { ...env, CIRCLECI: "true", CI: "true" },
        ["-eo", "pipefail"],
      )
      ran.passed &&= passed
      ran.said += said
    }
  }
  return ran
}

const read = (project: string, file: string): unknown =>
  parse(readFileSync(path.join(project, file), "utf8"))

async function bash(script: string, cwd: string, env: Env, flags: string[]): Promise<Ran> {
  const { exitCode, stdout, stderr } = await $({
    cwd,
    env,
    ...ending,
  })`bash ${flags} -c ${script}`
  return { passed: exitCode === 0, said: stdout + stderr }
}
