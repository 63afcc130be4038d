import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import path from "node:path"
import { sigstoreTools } from "../sigstore/sigstore.ts"

const built = path.join(sigstoreTools, "cosign")

/** The tool that others verify with: one that test/sigstore/tools.mts has built, or the one that is installed. */
export const cosign = sigstoreTools !== "" && existsSync(built) ? built : "cosign"

export const hasCosign = spawnSync(cosign, ["version"], { stdio: "ignore" }).status === 0
