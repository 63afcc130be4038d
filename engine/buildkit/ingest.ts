import { readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"

/**
 * Blobs that BuildKit has begun to store and not finished. It goes on with one where it stopped,
 * but cannot do so when the blob comes from an OCI layout ("unsupported offset", as of v0.34): after
 * a cancelled upload such an image would be unusable for ever.
 */
function ingests(root: string): string {
  return join(root, "runc-overlayfs", "content", "ingest")
}

/** Whether an error is that of a blob which was begun before. */
export function isPartialBlob(message: string): boolean {
  return message.includes("unsupported offset")
}

/** Removes everything that was begun. Only for a BuildKit which is not running. */
export function dropAllIngests(root: string): void {
  for (const name of list(ingests(root))) {
    rmSync(join(ingests(root), name), { recursive: true, force: true })
  }
}

// One that is being written changes all the time: it comes from a file of this machine.
const abandonedAfter = 1000

/** Removes what was begun of the blobs of these OCI layouts and is not written any more. */
export function dropPartialBlobs(root: string, layouts: string[]): void {
  const blobs = new Set(layouts.flatMap((dir) => list(join(dir, "blobs", "sha256"))))
  for (const { dir, blob } of begun(root)) {
    try {
      const age = Date.now() - statSync(join(dir, "data")).mtimeMs
      if (blobs.has(blob) && age > abandonedAfter) rmSync(dir, { recursive: true })
    } catch {
      // It was finished meanwhile.
    }
  }
}

/**
 * Removes a blob that arrived whole but wrong. BuildKit keeps it as one to go on with, finds that
 * nothing is missing, and refuses it again without asking the registry: for ever (as of v0.34).
 */
export function dropCorruptBlob(root: string, digest: string): void {
  for (const { dir, blob } of begun(root)) {
    if (`sha256:${blob}` === digest) rmSync(dir, { recursive: true, force: true })
  }
}

function begun(root: string): { dir: string; blob: string }[] {
  return list(ingests(root)).flatMap((name) => {
    const dir = join(ingests(root), name)
    try {
      const blob = /sha256:([0-9a-f]{64})$/.exec(readFileSync(join(dir, "ref"), "utf8"))?.[1]
      return blob ? [{ dir, blob }] : []
    } catch {
      return []
    }
  })
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
