import { readFile } from "node:fs/promises"
import type { ApiDeps } from "../daemon/api-contract.ts"
import type { StepSupport } from "../graph/execute.ts"
import { shimSource } from "../graph/shim.ts"

/** What every step is given by this machine: the shim, and the site's certificates where it has some. */
export function stepSupport(deps: ApiDeps): () => Promise<StepSupport> {
  let known: { path: string; support: Promise<StepSupport["shim"]> } | undefined
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
    const { caBundle } = deps.config()
    return { shim, ...(caBundle && { ca: () => readFile(caBundle) }) }
  }
}
