import { chmodSync, rmSync, statfsSync, statSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { Supervisor } from "../buildkit/supervisor.ts"
import { type EngineConfig, loadConfig } from "../setup/config.ts"
import type { ApiServer, StartApi } from "./api-contract.ts"
import { Connection } from "./connection.ts"
import { EngineError } from "./error.ts"
import { Identity } from "./identity.ts"
import { log, rotate } from "./log.ts"
import type { Paths } from "./paths.ts"
import type { ClientMessage, DaemonMessage, EngineStatus } from "./protocol.ts"
import { Session } from "./session.ts"

export interface DaemonOptions {
  paths: Paths
  bundle: string
  version: string
  /** How long to stay without a session, in milliseconds. */
  idleTimeout: number
  startApi: StartApi
  /** The environment of child processes. */
  env: NodeJS.ProcessEnv
}

const patience = 15_000

/** The engine's daemon: the control socket and what hangs on it. The caller holds the engine's lock. */
export class Daemon {
  readonly #options: DaemonOptions
  readonly #identity: Identity
  readonly #supervisor: Supervisor
  readonly #sessions = new Map<string, Session>()
  readonly #connections = new Set<Connection>()
  readonly #started = Date.now()
  readonly #server: Server
  #api: Promise<ApiServer> | undefined
  #idle: NodeJS.Timeout | undefined
  #closing = 0
  /** Set when the engine gives way to another build: it stops when nobody uses it any more. */
  #leaving = false
  #stopped: Promise<void> | undefined
  #resolveEnded: () => void = () => {}
  /** Resolves when the daemon has stopped. */
  readonly ended = new Promise<void>((resolve) => {
    this.#resolveEnded = resolve
  })

  constructor(options: DaemonOptions) {
    this.#options = options
    this.#identity = new Identity(options.bundle)
    this.#supervisor = new Supervisor({
      paths: options.paths,
      config: () => this.#config(),
      env: options.env,
      warn: (text) => {
        log(text)
        for (const session of this.#sessions.values()) {
          session.emit({ type: "message", level: "warn", text })
        }
      },
    })
    this.#server = createServer((socket) => this.#serve(socket))
  }

  /** Listens. What a dead daemon left in the way is replaced. */
  async listen(): Promise<void> {
    const { socket, log: logFile, buildkitLog } = this.#options.paths
    rmSync(socket, { force: true })
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject)
      this.#server.listen(socket, resolve)
    })
    chmodSync(socket, 0o600)
    this.#restIfIdle()
    const ours = statSync(socket).ino
    const housekeeping = setInterval(() => {
      rotate(logFile)
      rotate(buildkitLog)
      if (inode(socket) !== ours) {
        log("the state directory was removed")
        void this.stop()
      }
    }, 2000)
    housekeeping.unref()
    log(`engine ${this.#options.version} serves, pid ${process.pid}`)
  }

  /** Ends every session and every child, then the daemon. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    log("stopping")
    clearTimeout(this.#idle)
    this.#server.close()
    for (const session of [...this.#sessions.values()]) {
      session.end({ type: "error", code: "ENGINE_STOPPED", message: "The engine was stopped." })
      await this.#close(session)
    }
    await inTime((await this.#api)?.close(), "the API server")
    await inTime(this.#supervisor.stop(), "BuildKit")
    rmSync(this.#options.paths.socket, { force: true })
    for (const connection of this.#connections) connection.end({ type: "stopped" })
    log("stopped")
    this.#resolveEnded()
  }

  #serve(socket: Socket): void {
    let session: Session | undefined
    const connection: Connection = new Connection(
      socket,
      (message) => {
        if (message.type === "secret" && session) session.answerSecret(message.ask, message)
        else if (message.type === "terminal" && session) session.terminals.answer(message)
        else if (message.type === "close" && session) {
          void this.#close(session).then(() => connection.end({ type: "closed" }))
        } else {
          this.#answer(connection, message).then(
            (opened) => {
              session = opened
              // The client may have gone while its session was being made.
              if (session && socket.destroyed) void this.#close(session)
            },
            (error) => connection.end(failure(error)),
          )
        }
      },
      () => {
        this.#connections.delete(connection)
        if (session) void this.#close(session)
      },
    )
    this.#connections.add(connection)
  }

  async #answer(connection: Connection, message: ClientMessage): Promise<Session | undefined> {
    switch (message.type) {
      case "open":
        return this.#open(connection, message)
      case "status":
        connection.end(await this.#status())
        return
      case "stop":
        // The answer comes when everything has stopped.
        void this.stop()
        return
      case "prune":
        connection.end({ type: "pruned", ...(await this.#prune(message.all)) })
        return
      default:
        connection.refuse(`unexpected message "${message.type}"`)
        return
    }
  }

  async #open(
    connection: Connection,
    message: ClientMessage & { type: "open" },
  ): Promise<Session | undefined> {
    const sameHost = message.buildkitHost === (this.#options.env.BUILDKIT_HOST ?? "")
    if (this.#stopped || this.#leaving || !sameHost || !this.#identity.same(message.bundle)) {
      this.#leaving = true
      connection.send({ type: "wait", message: this.#whyWait() })
      this.#restIfIdle()
      return
    }
    const session = new Session(connection, message.cwd, message.pid)
    clearTimeout(this.#idle)
    this.#sessions.set(session.id, session)
    try {
      const api = await this.#startedApi()
      api.openSession({ id: session.id, cwd: session.cwd, token: session.token })
      connection.send({ type: "session", id: session.id, port: api.port, token: session.token })
      return session
    } catch (error) {
      this.#sessions.delete(session.id)
      this.#restIfIdle()
      throw error
    }
  }

  #whyWait(): string {
    const users = [...this.#sessions.values()].map(({ pid, cwd }) => `process ${pid} in ${cwd}`)
    if (users.length === 0) return "another build of the engine is running; it is being replaced"
    return `another build of the engine (${this.#options.version}, pid ${process.pid}) is busy for ${users.join(", ")}; waiting until it is done ("pyline engine stop" ends it)`
  }

  async #close(session: Session): Promise<void> {
    if (!this.#sessions.delete(session.id)) return
    session.over()
    this.#closing++
    try {
      await inTime((await this.#api)?.closeSession(session.id), `session ${session.id}`)
    } catch (error) {
      log(`closing session ${session.id}: ${(error as Error).stack}`)
    } finally {
      this.#closing--
      this.#restIfIdle()
    }
  }

  /** With no session, the daemon ends after the idle timeout, or at once when it is to give way. */
  #restIfIdle(): void {
    clearTimeout(this.#idle)
    if (this.#sessions.size > 0 || this.#closing > 0 || this.#stopped) return
    if (this.#leaving) {
      void this.stop()
      return
    }
    // A timer can wait for 2^31 ms at most.
    this.#idle = setTimeout(
      () => {
        log("nobody used the engine for a while")
        void this.stop()
      },
      Math.min(this.#options.idleTimeout, 2 ** 31 - 1),
    )
  }

  #startedApi(): Promise<ApiServer> {
    this.#api ??= this.#options
      .startApi({
        bridge: () => this.#supervisor.bridge(),
        config: () => this.#config(),
        network: () => this.#supervisor.network(),
        stateDir: this.#options.paths.state,
        shim: () => `${this.#config().bin}/shim`,
        emit: (id, event) => this.#sessions.get(id)?.emit(event),
        askSecret: (id, uri) =>
          this.#sessions.get(id)?.askSecret(uri) ??
          Promise.reject(new Error("the session is closed")),
        openTerminal: (id) =>
          this.#sessions.get(id)?.terminals.open() ??
          Promise.reject(new Error("the session is closed")),
      })
      .catch((error) => {
        this.#api = undefined
        throw error
      })
    return this.#api
  }

  #config(): EngineConfig {
    return loadConfig(this.#options.paths)
  }

  async #prune(all: boolean): Promise<{ bytes: number }> {
    clearTimeout(this.#idle)
    this.#closing++
    try {
      return await (await this.#startedApi()).prune(all)
    } finally {
      this.#closing--
      this.#restIfIdle()
    }
  }

  async #status(): Promise<EngineStatus> {
    const { paths, version, idleTimeout } = this.#options
    const { bavail, bsize } = statfsSync(paths.state)
    const [usage, answers] = await Promise.all([
      this.#supervisor.current?.diskUsage().catch(() => undefined),
      this.#api?.then((api) => api.answersSize()).catch(() => undefined),
    ])
    return {
      type: "status",
      running: true,
      state: paths.state,
      log: paths.log,
      pid: process.pid,
      version,
      uptime: Date.now() - this.#started,
      idleTimeout,
      sessions: [...this.#sessions.values()].map(({ id, cwd, pid, opened }) => ({
        id,
        cwd,
        pid,
        age: Date.now() - opened,
      })),
      buildkit: this.#supervisor.status(),
      store: {
        ...(usage ? { bytes: usage.bytes } : {}),
        ...(answers === undefined ? {} : { answers }),
        free: bavail * bsize,
      },
      ...(this.#api ? { stats: (await this.#api).stats() } : {}),
    }
  }
}

/** Waits for something to end, but not for ever: what hangs must not keep the engine from going. */
async function inTime(work: Promise<void> | undefined, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      log(`${what} did not end in ${patience / 1000} s`)
      resolve()
    }, patience)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

function failure(error: unknown): DaemonMessage {
  log(`a request failed: ${error instanceof Error ? error.stack : String(error)}`)
  if (!(error instanceof EngineError)) {
    return { type: "error", code: "ENGINE_INTERNAL", message: String(error) }
  }
  return { type: "error", code: error.code, message: error.message, fix: error.fix }
}

function inode(path: string): number | undefined {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}
