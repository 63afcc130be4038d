import { createHash, type Hash } from "node:crypto"
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { open } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { changed, errno, hostError } from "./errors.ts"

/** Up to this size, reading at once is faster than the way over the thread pool. */
const SMALL = 1 << 20
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
/** Milliseconds before each further try on a file that changes while it is read. */
const RETRIES = [0, 20, 100]

const buffer = Buffer.allocUnsafe(SMALL)

export interface Hashed {
  digest: string
  /** What the file was while it was read. */
  stat: BigIntStats
  /** Milliseconds since 1970 when the reading began. */
  began: number
}

/** Whether two stats are of the same file in the same state. */
export const sameState = (
  a: Pick<BigIntStats, "ino" | "dev" | "size" | "mtimeNs" | "ctimeNs">,
  b: BigIntStats,
): boolean =>
  a.mtimeNs === b.mtimeNs &&
  a.ctimeNs === b.ctimeNs &&
  a.size === b.size &&
  a.ino === b.ino &&
  a.dev === b.dev

/**
 * The digest of a file that had this stat a moment ago; undefined when it is gone or no longer a
 * regular file. Memory stays at 1 MiB whatever the size.
 *
 * @throws HostError UNREADABLE; CHANGED when the file changes again and again while it is read
 */
export async function hashFile(file: string, stat: BigIntStats): Promise<Hashed | undefined> {
  let before = stat
  for (const pause of RETRIES) {
    if (pause > 0) await sleep(pause)
    const began = Date.now()
    const hash = createHash("sha256")
    let after: BigIntStats
    try {
      after =
        before.size <= SMALL
          ? readSmall(file, hash, Number(before.size))
          : await readLarge(file, hash)
    } catch (error) {
      // Gone, or a symbolic link by now.
      if (["ENOENT", "ENOTDIR", "ELOOP", "ENXIO"].includes(errno(error) ?? "")) return undefined
      throw hostError(error, file)
    }
    if (!after.isFile()) return undefined
    if (sameState(before, after))
      return { digest: `sha256:${hash.digest("hex")}`, stat: after, began }
    before = after
  }
  throw changed(file)
}

function readSmall(file: string, hash: Hash, size: number): BigIntStats {
  const fd = openSync(file, FLAGS)
  try {
    // Stops at the expected size, without asking for the end: if there is more, the stat says so.
    for (let total = 0; total < size; ) {
      const length = readSync(fd, buffer, 0, buffer.length, null)
      if (length === 0) break
      hash.update(buffer.subarray(0, length))
      total += length
    }
    return fstatSync(fd, { bigint: true })
  } finally {
    closeSync(fd)
  }
}

async function readLarge(file: string, hash: Hash): Promise<BigIntStats> {
  const handle = await open(file, FLAGS)
  try {
    const chunk = Buffer.allocUnsafe(SMALL)
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length)
      if (bytesRead === 0) return await handle.stat({ bigint: true })
      hash.update(chunk.subarray(0, bytesRead))
    }
  } finally {
    await handle.close()
  }
}
