import { userInfo } from "node:os"
import type { Verb } from "../verbs/module.ts"
import type { Value } from "./value.ts"

/** Parameters that the CI host, or else this machine, knows the value of. */
const ANSWERS: Record<string, (env: NodeJS.ProcessEnv) => string | undefined> = {
  by: (env) =>
    env.GITHUB_ACTOR ??
    env.GITLAB_USER_LOGIN ??
    env.BUILD_USER_ID ??
    env.CIRCLE_USERNAME ??
    userName(),
  run: (env) =>
    github(env) ??
    env.CI_JOB_URL ??
    env.BUILD_URL ??
    env.TRAVIS_JOB_WEB_URL ??
    env.CIRCLE_BUILD_URL,
}

const github = ({
  GITHUB_SERVER_URL: server,
  GITHUB_REPOSITORY: repository,
  GITHUB_RUN_ID: run,
}: NodeJS.ProcessEnv): string | undefined =>
  server && repository && run ? `${server}/${repository}/actions/runs/${run}` : undefined

/** A user without a name is none. */
function userName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}

/** Answers for the parameters `by` and `run` that are not given: who does something, and in which run. */
export function fromHost(
  verb: Verb,
  values: (Value | undefined)[],
  env: NodeJS.ProcessEnv,
): (Value | undefined)[] {
  return values.map((value, index) => {
    const { name = "", type } = verb.args[index] ?? {}
    if (value !== undefined || type?.kind !== "string" || !Object.hasOwn(ANSWERS, name))
      return value
    return ANSWERS[name]?.(env) || undefined
  })
}
