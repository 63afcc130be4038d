import { spawn, spawnSync } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { EngineError } from "./error.ts"

/**
 * Locks are flock(2) locks on an open file: the kernel releases them when the process ends however
 * it ends, so that no lock can be left behind. Node cannot call flock; flock(1) from util-linux
 * locks the descriptor which it inherits, and the lock stays with ours after it has exited.
 */
const heldElsewhere = 75
const argv = (...flags: string[]) => [...flags, "-x", "-E", String(heldElsewhere), "3"]

/** Takes the lock without waiting: a function which releases it, or nothing when it is held. */
export function tryLock(file: string): (() => void) | undefined {
  const fd = openSync(file, "a", 0o600)
  const done = spawnSync("flock", argv("-n"), { stdio: ["ignore", "ignore", "ignore", fd] })
  if (done.status === 0) return () => closeSync(fd)
  closeSync(fd)
  if (done.status === heldElsewhere) return undefined
  throw cannotLock(file, done.error)
}

/** Waits for the lock. */
export async function waitLock(file: string): Promise<() => void> {
  const fd = openSync(file, "a", 0o600)
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn("flock", argv(), { stdio: ["ignore", "ignore", "ignore", fd] })
      child.on("error", (error) => reject(cannotLock(file, error)))
      child.on("exit", (code) => (code === 0 ? resolve() : reject(cannotLock(file, undefined))))
    })
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return () => closeSync(fd)
}

function cannotLock(file: string, cause: unknown): EngineError {
  return new EngineError("ENGINE_LOCK", `${file} could not be locked with flock.`, {
    fix: "install util-linux (apt-get install util-linux), and keep the state directory on a local disk (PYLINE_STATE_DIR)",
    cause,
  })
}
