import { randomBytes } from "node:crypto"
import type { Options } from "../args/request.ts"
import { isLive, wantsColour } from "./colour.ts"
import { fence } from "./github.ts"
import { GroupReporter } from "./groups.ts"
import { PlainReporter } from "./plain.ts"
import { QuietReporter } from "./quiet.ts"
import type { Reporter } from "./reporter.ts"
import { TreeReporter } from "./tree.ts"

type Env = Record<string, string | undefined>

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
