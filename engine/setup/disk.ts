import { existsSync, statfsSync } from "node:fs"
import { dirname } from "node:path"
import { EngineError } from "../daemon/error.ts"

/** A size as people read it. */
export function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`
  return `${Math.round(bytes / 1e6)} MB`
}

/** Free bytes and files of the disk which holds a path, or will hold it. */
export function room(path: string): { bytes: number; files: number } {
  for (let dir = path; ; dir = dirname(dir)) {
    try {
      const { bavail, bsize, files, ffree } = statfsSync(dir)
      // Some filesystems have no fixed number of files and say 0 of 0.
      return { bytes: bavail * bsize, files: files === 0 ? Number.POSITIVE_INFINITY : ffree }
    } catch (error) {
      if (dir === dirname(dir)) throw error
    }
  }
}

/** What to say of a disk that turned out to be full: where, how large it is, and what to do. */
export function diskFull(what: string, path: string): string {
  let sizes = ""
  try {
    const { blocks, bavail, bsize, files, ffree } = statfsSync(existing(path))
    const inodes = files > 0 && ffree < 100 ? `, room for ${ffree} more files` : ""
    sizes = ` (${size(blocks * bsize)}, ${size(bavail * bsize)} free${inodes})`
  } catch {
    // The disk is gone altogether: what went wrong says it.
  }
  return `The disk of ${path} is full${sizes}: ${what}. Free some space there: pyline engine prune removes the build cache.`
}

/** What to say after a step has failed on a disk that has next to no room left; nothing when it has. */
export function shortOfRoom(path: string): string | undefined {
  const { bytes, files } = room(path)
  if (bytes > 16e6 && files > 100) return undefined
  return diskFull("a step failed, which may be why", path)
}

function existing(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : existing(dirname(path))
}

/** Throws DISK_FULL, naming the sizes, when a disk has less room than what is about to be written. */
export function needRoom(what: string, path: string, bytes: number): void {
  const free = room(path)
  const files = 20_000
  if (free.bytes >= bytes && free.files >= files) return
  const short =
    free.bytes < bytes
      ? `${size(bytes)}, and ${size(free.bytes)} are free`
      : `${files} files, and there is room for ${free.files} (no inodes left)`
  throw new EngineError("DISK_FULL", `${what} needs ${short} on the disk of ${path}.`, {
    fix: "free some space there (pyline engine prune removes the build cache), or set PYLINE_STATE_DIR to another disk",
  })
}
