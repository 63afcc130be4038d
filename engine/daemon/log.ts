import { copyFileSync, statSync, truncateSync } from "node:fs"

const limit = 8 << 20

/** Writes one line to the log: the daemon's standard error is the log file. */
export function log(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`)
}

/**
 * Keeps a log below twice 8 MiB. Its writers have it open for appending, so it is copied and cut:
 * they go on at its new end, also those which are other processes.
 */
export function rotate(file: string): void {
  try {
    if (statSync(file).size < limit) return
    copyFileSync(file, `${file}.1`)
    truncateSync(file)
  } catch {
    // No log yet, or a full disk: nothing that should stop the engine.
  }
}
