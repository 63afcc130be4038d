import { readFile } from "node:fs/promises"
import { Relay } from "../buildkit/relay.ts"
import type { ApiDeps } from "../daemon/api-contract.ts"
import type { StepSupport } from "../graph/execute.ts"
import { shimSource } from "../graph/shim.ts"

/** What every step is given by this machine: the shim, and the site's certificates where it has some. */
export function stepSupport(deps: ApiDeps): () => Promise<StepSupport> {
  let known: { path: string; support: Promise<StepSupport["shim"]> } | undefined
  const relay = new Relay()
  const resolver = async () => {
    const network = await deps.network?.()
    return network?.kind === "bridge"
      ? relay.resolver(network.gateway)
      : readFile("/etc/resolv.conf")
  }
  return async () => {
    const path = deps.shim()
    if (known?.path !== path) {
      const support = shimSource(path, deps.stateDir)
      support.catch(() => {
        known = undefined
      })
      known = { path, support }
    }
    const shim = await known.support
    const { caBundle, buildkit } = deps.config()
    // Another BuildKit may be on another machine, and need not let steps have its network.
    const ours = deps.network && (buildkit.origin === "built" || buildkit.origin === "path")
    return {
      shim,
      ...(caBundle && { ca: () => readFile(caBundle) }),
      ...(ours && { hostNetwork: true, resolver }),
    }
  }
}
