import { randomBytes } from "node:crypto"
import type { Options } from "../args/request.ts"
import { fence } from "./github.ts"
import { GroupReporter } from "./groups.ts"
import { PlainReporter } from "./plain.ts"
import { QuietReporter } from "./quiet.ts"
import type { Reporter } from "./reporter.ts"
import { TreeReporter } from "./tree.ts"

type Env = Record<string, string | undefined>

/** Whether a stream gets colours: `NO_COLOR` and `FORCE_COLOR` decide, else whether it is a capable terminal. */
export function wantsColour(stream: { isTTY?: boolean }, env: Env): boolean {
  if (env.NO_COLOR) return false
  const force = env.FORCE_COLOR
  if (force !== undefined) return force !== "0" && force !== "false"
  if (env.TERM === "dumb") return false
  // GitHub's and GitLab's log pages show colours.
  return stream.isTTY === true || env.GITHUB_ACTIONS === "true" || env.GITLAB_CI === "true"
}

/** Whether the live view works here: a terminal that moves its cursor, with a person before it. */
export function isLive(stream: { isTTY?: boolean }, env: Env): boolean {
  const ci = env.CI
  return stream.isTTY === true && env.TERM !== "dumb" && (!ci || ci === "false" || ci === "0")
}

/** The way of showing progress that the flag asks for and the place allows. */
export function chooseReporter(progress: Options["progress"], env: Env): Reporter {
  const stream = process.stderr
  const colour = wantsColour(stream, env)
  const write = (text: string) => void stream.write(text)
  if (progress === "quiet") return new QuietReporter(write)
  if (progress === "tty" || (progress === "auto" && isLive(stream, env)))
    return new TreeReporter(stream, colour)
  if (env.GITHUB_ACTIONS === "true")
    return new GroupReporter(write, fence(randomBytes(16).toString("hex")), colour)
  return new PlainReporter(write, colour)
}
