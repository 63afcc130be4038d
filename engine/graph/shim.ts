import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises"
import path from "node:path"
import { promisify } from "node:util"
import { ociLayout } from "../llb/source.ts"
import type { Output } from "../llb/vertex.ts"

/**
 * The shim as a file system that steps can mount: an image layout of one file, made once for each
 * build of the shim. `bridge`, which can write layouts, is built beside it.
 */
export async function shimSource(shim: string, stateDir: string): Promise<Output> {
  const digest = createHash("sha256").update(readFileSync(shim)).digest("hex").slice(0, 16)
  const dir = path.join(stateDir, "shim", digest)
  const index = await readIndex(dir).catch(async () => {
    await makeLayout(shim, dir)
    return readIndex(dir)
  })
  return ociLayout(dir, index, "shim")
}

async function readIndex(dir: string): Promise<string> {
  const index = JSON.parse(await readFile(path.join(dir, "index.json"), "utf8"))
  return index.manifests[0].digest
}

async function makeLayout(shim: string, dir: string): Promise<void> {
  await mkdir(path.dirname(dir), { recursive: true })
  const temporary = await mkdtemp(`${dir}.`)
  const bridge = path.join(path.dirname(shim), "bridge")
  await promisify(execFile)(bridge, ["layout", "--file", `shim=${shim}`, "--out", temporary])
  await rm(dir, { recursive: true, force: true })
  await rename(temporary, dir)
}
