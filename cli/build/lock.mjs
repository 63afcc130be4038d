import { mkdir, open, readFile, rm, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const STALE_AFTER_MS = 30 * 60_000
const SAY_AFTER_MS = 1000

/**
 * Runs `work` while holding the lock file `path`, so that two launchers never install or build at once.
 * A lock whose holder is gone (killed, or another machine's on a shared disk) is taken over.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, work) {
  await mkdir(dirname(path), { recursive: true })
  const begun = Date.now()
  let said = false
  for (;;) {
    try {
      const file = await open(path, "wx")
      await file.writeFile(String(process.pid))
      await file.close()
      break
    } catch (error) {
      if (error.code !== "EEXIST") throw error
      if (await isStale(path)) await rm(path, { force: true })
      else await sleep(50)
      if (!said && Date.now() - begun > SAY_AFTER_MS) {
        said = true
        process.stderr.write(
          "pyline: another one is installing or building here; waiting for it …\n",
        )
      }
    }
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function isStale(path) {
  try {
    const { mtimeMs } = await stat(path)
    const age = Date.now() - mtimeMs
    if (age > STALE_AFTER_MS) return true
    const pid = Number(await readFile(path, "utf8"))
    // Empty: its holder is between creating and writing it, or died there.
    if (!pid) return age > 1000
    return !isAlive(pid)
  } catch (error) {
    if (error.code === "ENOENT") return false
    throw error
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}
