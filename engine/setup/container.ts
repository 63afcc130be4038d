import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { promisify } from "node:util"
import { EngineError } from "../daemon/error.ts"
import type { Paths } from "../daemon/paths.ts"
import type { BuildkitSource } from "./config.ts"

const run = promisify(execFile)
const image = "docker.io/moby/buildkit:v0.26.2"
const runtimes = ["docker", "podman", "nerdctl"]

/** A container runtime on PATH whose daemon answers. */
export async function findRuntime(): Promise<string | undefined> {
  for (const runtime of runtimes) {
    try {
      await run(runtime, ["info"], { timeout: 5000 })
      return runtime
    } catch {
      // Not there, not running, or not ours to use.
    }
  }
  return undefined
}

/** Where BuildKit would be in a container of this runtime. One container a state directory. */
export function containerSource(runtime: string, paths: Paths): BuildkitSource {
  const hash = createHash("sha256").update(paths.state).digest("hex").slice(0, 12)
  const name = `pyline-buildkit-${hash}`
  const scheme = runtime === "nerdctl" ? "nerdctl-container" : `${runtime}-container`
  return {
    origin: "container",
    address: `${scheme}://${name}`,
    container: { runtime, name, image },
  }
}

/** Starts the container of BuildKit, or makes it, and gives its address. */
export async function startContainer(source: BuildkitSource, paths: Paths): Promise<string> {
  const { container, address } = source
  if (!container || !address) {
    throw new EngineError("CONFIG_INVALID", `${paths.config} names no container of BuildKit.`, {
      fix: "pyline setup",
    })
  }
  const { runtime, name } = container
  try {
    await run(runtime, ["start", name])
    return address
  } catch {
    // There is none yet.
  }
  try {
    await run(runtime, [
      "run",
      "--detach",
      "--privileged",
      "--name",
      name,
      "--volume",
      `${name}:/var/lib/buildkit`,
      container.image,
    ])
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? String(error)
    throw new EngineError(
      "CONTAINER_RUNTIME",
      `${runtime} could not run ${container.image}: ${said}`,
      {
        fix: `check that "${runtime} run --privileged ${container.image}" works, or set BUILDKIT_HOST`,
        cause: error,
      },
    )
  }
  return address
}
