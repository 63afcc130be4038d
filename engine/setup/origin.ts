import { EngineError } from "../daemon/error.ts"
import type { Paths } from "../daemon/paths.ts"
import type { BuildkitSource } from "./config.ts"
import { containerSource, findRuntime } from "./container.ts"
import { run } from "./run.ts"
import { compareVersions } from "./version.ts"
import { which } from "./which.ts"

/** CVE-2024-23651, -23652, -23653: older ones let a build step out of its container. */
const floor = "0.12.5"

/** Decides where BuildKit comes from: the first that works here. */
export async function findBuildkit(paths: Paths): Promise<BuildkitSource> {
  const address = process.env.BUILDKIT_HOST
  if (address) return { origin: "host", address }
  const root = process.getuid?.() === 0
  if (root) {
    const program = which("buildkitd")
    const version = program && (await versionOf(program))
    // One that is too old, or does not say what it is, is passed over: set-up has a better one.
    if (program && version && compareVersions(version, floor) >= 0) {
      return { origin: "path", program, version }
    }
  }
  const runtime = await findRuntime()
  if (runtime) return containerSource(runtime, paths)
  if (root) return { origin: "built" }
  throw new EngineError(
    "NOT_ROOT",
    "A BuildKit of our own has to run as root, no container runtime answers (docker, podman, nerdctl), and BUILDKIT_HOST is not set.",
    {
      fix: "run as root, or start Docker or Podman, or set BUILDKIT_HOST to a running BuildKit, or use the Dagger engine (--engine dagger)",
    },
  )
}

async function versionOf(program: string): Promise<string | undefined> {
  const said = await run(program, ["--version"], { timeout: 10_000 })
  const version = /\bv(\d+\.\d+\.\d+\S*)/.exec(said.stdout)?.[1]
  return said.code === 0 && version && !version.startsWith("0.0.0") ? version : undefined
}
