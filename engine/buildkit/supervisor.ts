import { existsSync, readdirSync, renameSync, rmSync } from "node:fs"
import { rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { EngineError } from "../daemon/error.ts"
import { log } from "../daemon/log.ts"
import type { Paths } from "../daemon/paths.ts"
import type { EngineConfig } from "../setup/config.ts"
import { startContainer } from "../setup/container.ts"
import { diskFull, shortOfRoom } from "../setup/disk.ts"
import { Bridge } from "./bridge.ts"
import { Buildkitd } from "./daemon.ts"
import { dropCorruptBlob, dropPartialBlobs } from "./ingest.ts"
import type { ServiceNetwork } from "./network.ts"

interface Running {
  bridge: Bridge
  buildkitd: Buildkitd | undefined
  version: string
  address: string
  /** It is on its way out: its end is no news. */
  retired?: boolean
}

export interface SupervisorOptions {
  paths: Paths
  config(): EngineConfig
  env: NodeJS.ProcessEnv
  warn(text: string): void
}

/** How long a buildkitd must have served for its end not to count as a failed start. */
const settledAfter = 60_000
const crashesBeforeQuarantine = 3
const renewsAfter = 10 * 60_000

/**
 * Keeps one BuildKit and one bridge to it. They start when they are first asked for, and again when
 * they are asked for after one of them has died.
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  #running: Running | undefined
  #starting: Promise<Running> | undefined
  #stopping = false
  #crashes = 0
  #broken: string | undefined
  #quarantined = Number.NEGATIVE_INFINITY

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** The bridge to a BuildKit that serves. */
  async bridge(): Promise<Bridge> {
    if (this.#running?.bridge.alive) return this.#running.bridge
    if (this.#stopping) throw new EngineError("ENGINE_STOPPING", "The engine is being stopped.")
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined
    })
    return (await this.#starting).bridge
  }

  /** The bridge when there is one already. */
  get current(): Bridge | undefined {
    return this.#running?.bridge.alive ? this.#running.bridge : undefined
  }

  /** Where services have their addresses, in the BuildKit that serves. */
  async network(): Promise<ServiceNetwork> {
    await this.bridge()
    return (
      this.#running?.buildkitd?.network ?? { kind: "host", why: "this BuildKit is not our own" }
    )
  }

  status(): { running: boolean; version?: string; origin?: string; address?: string } {
    const { origin } = this.#options.config().buildkit
    if (!this.current || !this.#running) return { running: false, origin }
    return { running: true, version: this.#running.version, origin, address: this.#running.address }
  }

  /**
   * Starts BuildKit with empty data, as what it has is broken. Not twice in a short time: when the
   * new data breaks as well, it is not the data.
   */
  #renew(why: string): Promise<Bridge> | undefined {
    if (this.#stopping || Date.now() - this.#quarantined < renewsAfter) return undefined
    this.#quarantined = Date.now()
    this.#broken = "its records do not fit its files"
    log(`the build cache is broken: ${why}`)
    if (this.#running) this.#running.retired = true
    this.#running?.bridge.fail("The build cache was found broken and is being replaced.")
    return this.bridge()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#starting?.catch(() => {})
    const running = this.#running
    this.#running = undefined
    await running?.bridge.close()
    await running?.buildkitd?.stop()
  }

  async #start(): Promise<Running> {
    const last = this.#running
    this.#running = undefined
    if (last) {
      // One of the two is dead: none of the other's state is worth keeping.
      last.bridge.fail("the connection to BuildKit broke")
      last.buildkitd?.kill()
      await last.buildkitd?.ended
    }
    if (this.#crashes >= crashesBeforeQuarantine) this.#quarantine("it crashed again and again")
    if (this.#broken !== undefined) this.#quarantine(this.#broken)
    this.#broken = undefined
    const begun = Date.now()
    const running = await this.#attempts()
    log(`BuildKit ${running.version} at ${running.address} after ${Date.now() - begun} ms`)
    this.#running = running
    this.#watch(running)
    return running
  }

  /** A start that fails is tried once more, then with an empty root, then the old root is put back. */
  async #attempts(): Promise<Running> {
    try {
      return await this.#startOnce()
    } catch (error) {
      if (!suspectsState(error)) throw error
      log(`BuildKit did not start: ${(error as Error).message}`)
    }
    try {
      return await this.#startOnce()
    } catch (error) {
      if (!suspectsState(error)) throw error
      const aside = this.#quarantine("BuildKit could not start with it")
      if (!aside) throw error
      try {
        return await this.#startOnce()
      } catch (again) {
        // It was not the state.
        rmSync(this.#options.paths.buildkitRoot, { recursive: true, force: true })
        renameSync(aside, this.#options.paths.buildkitRoot)
        throw again
      }
    }
  }

  async #startOnce(): Promise<Running> {
    const { paths, env } = this.#options
    const config = this.#options.config()
    const { origin } = config.buildkit
    if (!existsSync(join(config.bin, "bridge"))) {
      throw new EngineError("NOT_SET_UP", "The engine is not set up on this machine.", {
        fix: "pyline setup",
      })
    }
    const bridge = Bridge.start(join(config.bin, "bridge"), {
      log: 2,
      // It stays beside the daemon: memory is dearer than the little time that collecting takes.
      env: { ...env, GOGC: "50" },
      warn: (text) => this.#options.warn(text),
      // The data of a BuildKit that is not ours is out of reach.
      ...(config.buildkit.address === undefined &&
        origin !== "container" && {
          repair: (layouts: string[]) => dropPartialBlobs(paths.buildkitRoot, layouts),
          dropBlob: (digest: string) => dropCorruptBlob(paths.buildkitRoot, digest),
          diskFull: (message: string) => diskFull(message, paths.buildkitRoot),
          shortOfRoom: () => shortOfRoom(paths.buildkitRoot),
          renew: (why: string) => this.#renew(why),
        }),
    })
    let buildkitd: Buildkitd | undefined
    try {
      let address = config.buildkit.address
      if (origin === "container") address = await startContainer(config.buildkit, paths)
      if (address === undefined) {
        buildkitd = Buildkitd.start({
          program: config.buildkit.program ?? join(config.bin, "buildkitd"),
          runc: config.buildkit.runc ?? "runc",
          bin: config.bin,
          network: config.network,
          paths,
          registries: config.registries,
          env,
        })
        address = buildkitd.address
      }
      const { version } = await Promise.race([
        bridge.connect(address, origin === "host" ? 8000 : 20_000),
        ...(buildkitd ? [buildkitd.ended.then(({ how }) => Promise.reject(diedEarly(how)))] : []),
      ])
      return { bridge, buildkitd, version, address }
    } catch (error) {
      bridge.fail("BuildKit did not start")
      buildkitd?.kill()
      await Promise.all([buildkitd?.ended, bridge.ended])
      throw explain(error as Error, buildkitd, paths)
    }
  }

  #watch(running: Running): void {
    const { bridge, buildkitd } = running
    const since = Date.now()
    const gone = (what: string, crashed: boolean) => {
      if (this.#stopping || running.retired) return
      running.retired = true
      log(what)
      if (crashed && buildkitd && databaseBroke(buildkitd.logTail()) && bridge.renew(what)) return
      if (crashed) this.#crashes = Date.now() - since < settledAfter ? this.#crashes + 1 : 1
      bridge.fail(what)
      buildkitd?.kill()
      this.#options.warn(
        `${what} It is started again when it is needed; log: ${this.#options.paths.buildkitLog}`,
      )
    }
    if (buildkitd) {
      bridge.backendEnds(
        buildkitd.ended.then(({ how, crashed }) => {
          const what = `BuildKit ${how} while the engine used it.`
          gone(what, crashed)
          return what
        }),
      )
    }
    void bridge.ended.then(() =>
      gone("The bridge to BuildKit ended while the engine used it.", false),
    )
    setTimeout(() => {
      if (this.#running === running && bridge.alive) this.#crashes = 0
    }, settledAfter).unref()
  }

  /** Puts BuildKit's state aside, keeping only the newest such; the name it has now, if there was any state. */
  #quarantine(why: string): string | undefined {
    const { buildkitRoot } = this.#options.paths
    this.#crashes = 0
    const parent = dirname(buildkitRoot)
    const prefix = `${basename(buildkitRoot)}.broken-`
    const older = readdirSync(parent).filter((name) => name.startsWith(prefix))
    const aside = join(parent, `${prefix}${Date.now()}`)
    try {
      renameSync(buildkitRoot, aside)
    } catch {
      return undefined
    }
    for (const name of older) {
      rm(join(parent, name), { recursive: true, force: true }).catch(() => {})
    }
    this.#options.warn(
      `The build cache looked broken (${why}): it was moved to ${aside} and a new one started. Everything is built anew; delete the old one when you do not want to look into it.`,
    )
    return aside
  }
}

/** Whether a panic was one of the database that BuildKit keeps its records in. */
function databaseBroke(log: string): boolean {
  return (
    /^(panic|fatal error|unexpected fault address)/m.test(log) && log.includes("go.etcd.io/bbolt")
  )
}

class DiedEarly extends Error {}

function diedEarly(how: string): DiedEarly {
  return new DiedEarly(`BuildKit ${how} before it served.`)
}

function suspectsState(error: unknown): boolean {
  return error instanceof EngineError && error.code === "BUILDKIT_START"
}

/** Turns what happened at a start into what a user can act on. */
function explain(error: Error, buildkitd: Buildkitd | undefined, paths: Paths): EngineError {
  if (error instanceof EngineError) return error
  if (!buildkitd) {
    return new EngineError("BUILDKIT_UNREACHABLE", error.message, {
      fix: "check BUILDKIT_HOST, or unset it to use a BuildKit of our own",
      log: paths.log,
      cause: error,
    })
  }
  const tail = buildkitd.logTail()
  const known: [RegExp, string, string, string][] = [
    [
      /no space left on device/i,
      "DISK_FULL",
      "The disk is full, BuildKit cannot start.",
      `free some space on the disk of ${paths.state}, or run: pyline engine prune`,
    ],
    [
      /unshare.*(not permitted|denied)|mount:.*(permission denied|not permitted)/i,
      "NOT_PRIVILEGED",
      "This process may not make namespaces or mounts, which BuildKit needs.",
      "run as root outside of an unprivileged container, or set BUILDKIT_HOST, or use the Dagger engine (--engine dagger)",
    ],
    [
      /(unshare|setpriv|flock): .*not found|exec: .*not found/i,
      "NO_UTIL_LINUX",
      "A program of util-linux is missing.",
      "apt-get install util-linux",
    ],
  ]
  for (const [pattern, code, message, fix] of known) {
    if (pattern.test(tail))
      return new EngineError(code, message, { fix, log: paths.buildkitLog, cause: error })
  }
  const lines = tail.trim().split("\n").slice(-3).join("\n")
  return new EngineError("BUILDKIT_START", `${error.message}\n${lines}`.trim(), {
    log: paths.buildkitLog,
    cause: error,
  })
}
