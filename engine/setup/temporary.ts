import { mkdirSync, rmSync } from "node:fs"

/**
 * Has a directory for as long as `work` takes, also when the process exits meanwhile (Ctrl-C). What
 * a killed process leaves behind, the next set-up removes: it ends in a process id.
 */
export async function withTemporary<T>(
  path: string,
  work: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = `${path}.${process.pid}`
  // Who wrote to it may take a moment to end.
  const remove = () => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
  remove()
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  process.once("exit", remove)
  try {
    return await work(dir)
  } finally {
    process.removeListener("exit", remove)
    remove()
  }
}
