import { existsSync } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"

const sources = ["ci", "cli", "engine", "package.json", "package-lock.json"]
const skipped = new Set(["ci/sdk", "engine/tools"])

/**
 * Whether `dist/` is younger than every source. The launcher asks the same with `find`; this is asked
 * again under the lock, as another launcher may have built meanwhile.
 */
export async function isFresh(root) {
  const stamp = join(root, "dist/.stamp")
  if (!existsSync(stamp) || !existsSync(join(root, "dist/pyline.mjs"))) return false
  const { mtimeMs } = await stat(stamp)
  for (const source of sources) if (await isNewer(root, source, mtimeMs)) return false
  return true
}

async function isNewer(root, place, time) {
  if (skipped.has(place) || place.endsWith("node_modules")) return false
  const path = join(root, place)
  const info = await stat(path)
  if (info.mtimeMs > time) return true
  if (!info.isDirectory()) return false
  for (const name of await readdir(path)) {
    if (await isNewer(root, `${place}/${name}`, time)) return true
  }
  return false
}
