import type { StartApi } from "./api-contract.ts"
import { daemonEnv, idleTimeout } from "./env.ts"
import { tryLock } from "./lock.ts"
import { log } from "./log.ts"
import { enginePaths, makeDirs } from "./paths.ts"
import { Daemon } from "./server.ts"
import { version } from "./version.ts"

/** Exit code of a daemon that found another one in charge of its state directory. */
export const alreadyRunning = 75

/** Runs the daemon until it is stopped: the whole life of the process. */
export async function serve(options: { bundle: string; startApi: StartApi }): Promise<void> {
  process.umask(0o077)
  const paths = enginePaths()
  makeDirs(paths)
  const release = tryLock(paths.lock)
  if (!release) process.exit(alreadyRunning)
  const daemon = new Daemon({
    ...options,
    paths,
    version,
    idleTimeout: idleTimeout(process.env),
    env: daemonEnv(process.env),
  })
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void daemon.stop())
  process.on("SIGHUP", () => {})
  process.on("uncaughtException", (error) => log(`bug: ${error.stack}`))
  process.on("unhandledRejection", (error) =>
    log(`bug: ${error instanceof Error ? error.stack : error}`),
  )
  try {
    await daemon.listen()
  } catch (error) {
    // One that nobody can reach would stay for ever.
    log(`the engine cannot listen: ${error instanceof Error ? error.message : error}`)
    process.exit(1)
  }
  await daemon.ended
  process.exit(0)
}
