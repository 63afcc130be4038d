import type { Options } from "../args/request.ts"
import { isLive, wantsColour } from "./colour.ts"
import { PlainReporter } from "./plain.ts"
import { QuietReporter } from "./quiet.ts"
import type { Reporter } from "./reporter.ts"
import { TreeReporter } from "./tree.ts"

type Env = Record<string, string | undefined>

/** The way of showing progress that the flag asks for and the place allows. */
export async function chooseReporter(progress: Options["progress"], env: Env): Promise<Reporter> {
  const stream = process.stderr
  const colour = wantsColour(stream, env, true)
  const write = (text: string) => void stream.write(text)
  if (progress === "quiet") return new QuietReporter(write)
  if (progress === "tty" || (progress === "auto" && isLive(stream, env)))
    return new TreeReporter(stream, colour)
  if (env.GITHUB_ACTIONS === "true") {
    // Loaded here: `node:crypto` takes a while, and a run on a laptop has no use for it.
    const [{ randomBytes }, { fence }, { GroupReporter }] = await Promise.all([
      import("node:crypto"),
      import("./github.ts"),
      import("./groups.ts"),
    ])
    return new GroupReporter(write, fence(randomBytes(16).toString("hex")), colour)
  }
  return new PlainReporter(write, colour)
}
