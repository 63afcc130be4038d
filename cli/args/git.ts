import { git } from "../git.ts"
import type { Verb } from "../verbs/module.ts"
import type { Value } from "./value.ts"

type Ask = (...args: string[]) => string | undefined

/** Parameters that git knows the value of, and what to ask it. */
const QUESTIONS: Record<string, (ask: Ask) => string | undefined> = {
  revision: (ask) => {
    const commit = ask("rev-parse", "HEAD")
    if (commit === undefined) return undefined
    // What lies in the folder is not what the commit has.
    return ask("status", "--porcelain", "--", ".") === "" ? commit : `${commit}-dirty`
  },
  branch: (ask) => ask("symbolic-ref", "--quiet", "--short", "HEAD") ?? branchIn(process.env),
  created: (ask) => ask("log", "-1", "--format=%cI"),
  repository: (ask) => ask("config", "--get", "remote.origin.url"),
}

/** The branch of a CI host that checks out a commit alone, which it says it builds. */
function branchIn(env: NodeJS.ProcessEnv): string | undefined {
  // A pull request's is none of these: what it would publish must not be taken for its target.
  const isBranch = /^(push|schedule|workflow_dispatch)$/.test(env.GITHUB_EVENT_NAME ?? "")
  if (isBranch && env.GITHUB_REF_TYPE === "branch") return env.GITHUB_REF_NAME
  if (env.TRAVIS_PULL_REQUEST === "false" && !env.TRAVIS_TAG) return env.TRAVIS_BRANCH
  return env.CI_COMMIT_BRANCH ?? (env.CHANGE_ID ? undefined : env.BRANCH_NAME)
}

/**
 * Answers for the parameters `revision`, `branch`, `created` and `repository` that are not given, from the git repository of the source.
 * Where there is none, or no git, they stay as they are.
 */
export function fromGit(verb: Verb, values: (Value | undefined)[]): (Value | undefined)[] {
  const source = values.find((value) => typeof value === "object" && "directory" in value)
  if (source === undefined || !("directory" in (source as object))) return values
  const { directory } = source as { directory: string }
  return values.map((value, index) => {
    const { name = "", type } = verb.args[index] ?? {}
    const question = Object.hasOwn(QUESTIONS, name) ? QUESTIONS[name] : undefined
    if (value !== undefined || type?.kind !== "string" || question === undefined) return value
    return question((...args) => git(directory, ...args)) || undefined
  })
}
