import { execFile } from "node:child_process"
import { accessSync, constants, statSync } from "node:fs"
import { delimiter, join } from "node:path"
import { UsageError } from "../failure.ts"

type Env = Record<string, string | undefined>

/** Who serves the session. */
export type Engine =
  /** Somebody has opened one already: `dagger run`, `pyline run`. */
  | { kind: "given" }
  /** The Dagger engine, by way of its command, or of the one that the SDK downloads. */
  | { kind: "dagger"; cli?: string }
  | { kind: "embedded" }

/**
 * Decides which engine does the work. The Dagger engine is taken where one can be had without asking
 * the network for anything: a runner that is named, or a container runtime and the `dagger` command.
 */
export async function chooseEngine(
  wanted: "auto" | "dagger" | "embedded",
  env: Env = process.env,
): Promise<Engine> {
  if (wanted === "embedded") return { kind: "embedded" }
  if (env.DAGGER_SESSION_PORT) {
    if (!env.DAGGER_SESSION_TOKEN)
      throw new UsageError("DAGGER_SESSION_PORT is set and DAGGER_SESSION_TOKEN is not")
    return { kind: "given" }
  }
  const cli = env._EXPERIMENTAL_DAGGER_CLI_BIN || findOnPath("dagger", env)
  const dagger: Engine = { kind: "dagger", ...(cli ? { cli } : {}) }
  if (wanted === "dagger" || env._EXPERIMENTAL_DAGGER_RUNNER_HOST) return dagger
  if (cli && (await hasContainerRuntime(env))) return dagger
  return { kind: "embedded" }
}

/** The first executable of that name on PATH. */
export function findOnPath(name: string, env: Env = process.env): string | undefined {
  for (const dir of (env.PATH ?? "").split(delimiter)) {
    if (dir === "") continue
    const path = join(dir, name)
    try {
      accessSync(path, constants.X_OK)
      if (statSync(path).isFile()) return path
    } catch {}
  }
  return undefined
}

async function hasContainerRuntime(env: Env): Promise<boolean> {
  const answers = ["docker", "podman", "nerdctl"].map(async (name) => {
    const path = findOnPath(name, env)
    if (!path) return false
    const options = { timeout: 5000, env: env as NodeJS.ProcessEnv }
    return new Promise<boolean>((resolve) => {
      execFile(path, ["info"], options, (error) => resolve(error === null))
    })
  })
  return (await Promise.all(answers)).includes(true)
}
