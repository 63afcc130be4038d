import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises"
import path from "node:path"
import { promisify } from "node:util"
import { ociLayout } from "../llb/source.ts"
import type { Output } from "../llb/vertex.ts"
import { EngineError } from "./errors.ts"

/**
 * The shim as a file system that steps can mount: an image layout of one file, made once for each
 * build of the shim. `bridge`, which can write layouts, is built beside it.
 */
export async function shimSource(shim: string, stateDir: string): Promise<Output> {
  const digest = createHash("sha256").update(readFileSync(shim)).digest("hex").slice(0, 16)
  const dir = path.join(stateDir, "shim", digest)
  const index = await readIndex(dir).catch(async () => {
    await makeLayout(bridgeBeside(shim), ["--file", `shim=${shim}`], dir)
    return readIndex(dir)
  })
  return ociLayout(dir, index, "shim")
}

async function readIndex(dir: string): Promise<string> {
  const index = JSON.parse(await readFile(path.join(dir, "index.json"), "utf8"))
  return index.manifests[0].digest
}

/** `bridge` is built beside the shim. */
export const bridgeBeside = (shim: string): string => path.join(path.dirname(shim), "bridge")

/** Has `bridge layout` make an OCI image layout of files, or of an image archive. */
export async function makeLayout(bridge: string, source: string[], dir: string): Promise<void> {
  await mkdir(path.dirname(dir), { recursive: true })
  const temporary = await mkdtemp(`${dir}.`)
  try {
    await promisify(execFile)(bridge, ["layout", ...source, "--out", temporary])
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    const { stderr } = error as { stderr?: string }
    throw new EngineError(stderr?.trim() || (error as Error).message, { cause: error })
  }
  await rm(dir, { recursive: true, force: true })
  await rename(temporary, dir)
}
