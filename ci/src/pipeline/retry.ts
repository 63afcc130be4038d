import { setTimeout as sleep } from "node:timers/promises"
import { notice } from "../caller.ts"
import { isExecFailure } from "./failure.ts"
import { readTrouble } from "./trouble.ts"

/** Pauses before the second and the third attempt. The tools try a few times themselves, within seconds. */
const PAUSES_MS = [1000, 4000]
/** A network that is silent for long is given up sooner: no attempt begins later than this after the first. */
const LATEST_MS = 60_000

/**
 * Does work whose steps may fail for reasons that pass: names that are not resolved, connections that break, servers that
 * are overloaded. Then it is done again, after a pause, and only the step that failed runs again: engines keep what went
 * well. Anything else fails at once, and so does whatever is not an installer: a test that fails with "connection
 * reset" failed.
 *
 * @throws what the last attempt threw; `attempts` of it says which one that was
 */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const begun = Date.now()
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const why = passingTrouble(error)
      if (why === undefined) throw error
      const pause = PAUSES_MS[attempt - 1]
      if (pause === undefined || Date.now() + pause - begun > LATEST_MS) {
        throw Object.assign(error as Error, { attempts: attempt })
      }
      await rest(why, pause, attempt + 1)
    }
  }
}

/** Why it is worth another try, if it is. */
function passingTrouble(error: unknown): string | undefined {
  if (!isExecFailure(error) || !installs(error.cmd)) return undefined
  const trouble = readTrouble(error.stderr)
  return trouble?.kind === "network" && trouble.passing ? trouble.what : undefined
}

/** Whether a command is one that fetches things and runs nothing of the project but its build. */
export function installs(command: readonly string[]): boolean {
  const words = command.map((word) => word.slice(word.lastIndexOf("/") + 1))
  const at = words[0] === "python" && words[1] === "build.py" ? 2 : 0
  switch (words[at]) {
    case "uv":
      return (
        /^(?:sync|venv|lock|export|python|pip|tool)$/.test(words[at + 1] ?? "") &&
        words[at + 2] !== "run"
      )
    case "python":
      return (
        (words[at + 1] === "-m" && words[at + 2] === "pip") ||
        (words[at + 3] === "-" && words[at + 4] === "install") ||
        (words[at + 1] === "-I" && words[at + 2] === "make_dist.py") ||
        (words[at + 1] === "-I" && words[at + 2] === "run_lock.py")
      )
    case "pyright":
      return words[at + 1] === "--version"
    case "sh":
      return words[at + 1] === "apt.sh"
    default:
      return false
  }
}

const resting = new Set<string>()

/** Waits a little longer than said: all who wait would otherwise come back at once. Says so once for all of them. */
async function rest(why: string, pause: number, next: number): Promise<void> {
  const text = `network trouble (${why}): trying again in ${pause / 1000} s, attempt ${next} of ${PAUSES_MS.length + 1}`
  const isNews = !resting.has(text)
  resting.add(text)
  if (isNews) notice(text)
  await sleep(pause * (1 + Math.random() / 2))
  resting.delete(text)
}
