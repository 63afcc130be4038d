import { spawn } from "node:child_process"
import { closeSync, existsSync, fstatSync, openSync, readFileSync, statfsSync } from "node:fs"
import { createRequire } from "node:module"
import { connect, type Socket } from "node:net"
import { fileURLToPath } from "node:url"
import type { TerminalMove } from "./buildkit/bridge-protocol.ts"
import type { SessionEvent } from "./daemon/api-contract.ts"
import { daemonEnv } from "./daemon/env.ts"
import { EngineError } from "./daemon/error.ts"
import { LineSplitter } from "./daemon/lines.ts"
import { rotate } from "./daemon/log.ts"
import { enginePaths, makeDirs, type Paths, stateDir } from "./daemon/paths.ts"
import type { ClientMessage, DaemonMessage, EngineStatus } from "./daemon/protocol.ts"
import { version } from "./daemon/version.ts"
import type { Report } from "./setup/report.ts"

export interface OpenOptions {
  cwd: string
  /** Steps, logs and messages of this session while it works. */
  onEvent(event: SessionEvent): void
  /** The value of a secret such as `env://TOKEN` or `file://path`. It is only asked for when it is used. */
  resolveSecret(uri: string): Promise<Buffer | string>
  /**
   * Gives the terminal to a container, which `moves` tells what is done at it. Absent, or throwing, where there is none.
   */
  openTerminal?(moves: (move: TerminalMove) => void): OpenTerminal
  /** Progress of set-up and of anything that has to be waited for. */
  report: Report
}

/** A terminal that a container has. */
export interface OpenTerminal {
  rows: number
  cols: number
  term: string
  /** Shows output. What was shown is told in a move, `seen`: else the container is held up. */
  show(data: Buffer): void
  /** The container does not need it any more. */
  close(): void
}

/** A session of the engine: a Dagger session on 127.0.0.1. */
export interface EngineSession {
  port: number
  token: string
  /**
   * Never resolves to good news: it resolves when the engine has gone before `close()`. Whoever waits
   * for the engine should wait for this, too.
   */
  lost: Promise<EngineError>
  /** Ends the session; resolves when nothing of it runs any more. */
  close(): Promise<void>
}

/** Path of the daemon's log. */
export function engineLog(): string {
  return enginePaths().log
}

/**
 * Opens a session, starting the engine (and setting it up) when there is none.
 *
 * @throws EngineError when no engine can be had; its `fix` says what to do.
 */
export async function openSession(options: OpenOptions): Promise<EngineSession> {
  const paths = enginePaths()
  const bundle = enginePath()
  const starter = new Starter(paths, bundle, options.report)
  for (;;) {
    const link = await starter.connected()
    const session = await open(link, paths, bundle, options)
    if (session) return session
    // The engine is being replaced by one of our build, or has just died.
  }
}

/** One question to the engine, which is started for `prune` only. */
export async function control(request: { type: "status" }): Promise<EngineStatus>
export async function control(request: {
  type: "stop"
}): Promise<{ type: "stopped"; running: boolean }>
export async function control(
  request: { type: "prune"; all?: boolean },
  report?: Report,
): Promise<{ type: "pruned"; bytes: number }>
export async function control(
  request: { type: "status" } | { type: "stop" } | { type: "prune"; all?: boolean },
  report: Report = () => {},
): Promise<unknown> {
  const paths = enginePaths()
  let link = await Link.to(paths)
  if (!link && request.type === "prune") {
    if (!existsSync(paths.buildkitRoot)) return { type: "pruned", bytes: 0 }
    // Without set-up: what has to be set up may be waiting for the room that this makes.
    link = await new Starter(paths, enginePath(), report, { isSetUp: true }).connected()
  }
  if (!link) {
    if (request.type === "stop") return { type: "stopped", running: false }
    return { type: "status", running: false, state: paths.state, log: paths.log, ...room(paths) }
  }
  link.send(request.type === "prune" ? { type: "prune", all: request.all ?? false } : request)
  const answer = await link.next()
  link.end()
  if (answer === undefined) {
    if (request.type === "stop") return { type: "stopped", running: true }
    throw lostError(paths, undefined)
  }
  if (answer.type === "error") throw failure(answer, paths)
  return request.type === "stop" ? { ...answer, running: true } : answer
}

async function open(
  link: Link,
  paths: Paths,
  bundle: string,
  options: OpenOptions,
): Promise<EngineSession | undefined> {
  const { cwd, onEvent, resolveSecret, report } = options
  const buildkitHost = process.env.BUILDKIT_HOST ?? ""
  link.send({ type: "open", cwd, pid: process.pid, version, bundle, buildkitHost })
  const begun = Date.now()
  const step = "wait for the engine"
  let waited = false
  let opened: (DaemonMessage & { type: "session" }) | undefined
  while (!opened) {
    const message = await link.next()
    if (message === undefined || message.type === "stopped") {
      if (waited) report({ step, status: "done", seconds: (Date.now() - begun) / 1000 })
      return undefined
    }
    if (message.type === "wait") {
      waited = true
      report({ step, status: "running", detail: message.message })
    } else if (message.type === "error") throw failure(message, paths)
    else if (message.type === "session") opened = message
  }
  let terminal: OpenTerminal | undefined
  let closing: (() => void) | undefined
  let reason: (DaemonMessage & { type: "error" }) | undefined
  const lost = new Promise<EngineError>((resolve) => {
    link.listen(
      (message) => {
        if (message.type === "secret") void answerSecret(link, message, resolveSecret)
        else if (message.type === "error") reason = message
        else if (message.type === "terminal")
          terminal = moveTerminal(link, message, terminal, options)
        else if (message.type === "step" || message.type === "log" || message.type === "message") {
          onEvent(message)
        }
      },
      () => {
        // Before anything is said of it: nobody could read that.
        terminal?.close()
        if (closing) closing()
        else resolve(reason ? failure(reason, paths) : lostError(paths, opened))
      },
    )
  })
  return {
    port: opened.port,
    token: opened.token,
    lost,
    close: () =>
      new Promise((resolve) => {
        terminal?.close()
        terminal = undefined
        closing = resolve
        if (link.closed) resolve()
        else link.send({ type: "close" })
      }),
  }
}

/** What the engine asks of the terminal; the one that is open after it. */
function moveTerminal(
  link: Link,
  message: DaemonMessage & { type: "terminal" },
  terminal: OpenTerminal | undefined,
  { openTerminal }: OpenOptions,
): OpenTerminal | undefined {
  switch (message.do) {
    case "open":
      try {
        if (!openTerminal) throw new Error("this client has no terminal")
        const opened = openTerminal((move) => link.send({ type: "terminal", did: "move", move }))
        const { rows, cols, term } = opened
        link.send({ type: "terminal", did: "open", rows, cols, term })
        return opened
      } catch (error) {
        link.send({ type: "terminal", did: "refuse", error: (error as Error).message })
        return undefined
      }
    case "show":
      terminal?.show(Buffer.from(message.data, "base64"))
      return terminal
    case "close":
      terminal?.close()
      return undefined
  }
}

async function answerSecret(
  link: Link,
  { ask, uri }: { ask: number; uri: string },
  resolveSecret: OpenOptions["resolveSecret"],
): Promise<void> {
  try {
    const value = Buffer.from(await resolveSecret(uri)).toString("base64")
    link.send({ type: "secret", ask, value })
  } catch (error) {
    link.send({
      type: "secret",
      ask,
      error: error instanceof Error ? error.message : String(error),
    })
  }
}

/** A connection to the control socket. Messages wait until somebody asks for them. */
class Link {
  closed = false
  readonly #socket: Socket
  readonly #queue: DaemonMessage[] = []
  #onMessage: ((message: DaemonMessage) => void) | undefined
  #onClose: (() => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    const lines = new LineSplitter((line) => {
      const message: DaemonMessage = JSON.parse(line)
      if (this.#onMessage) this.#onMessage(message)
      else this.#queue.push(message)
    })
    socket.on("data", (chunk) => lines.push(chunk))
    socket.on("close", () => {
      this.closed = true
      this.#onClose?.()
    })
  }

  /** Connects, or gives nothing when no engine listens. */
  static to(paths: Paths): Promise<Link | undefined> {
    return new Promise((resolve, reject) => {
      const socket = connect(paths.socket)
      socket.once("connect", () => resolve(new Link(socket)))
      socket.on("error", (error: NodeJS.ErrnoException) => {
        if (
          error.code === "ENOENT" ||
          error.code === "ECONNREFUSED" ||
          error.code === "ECONNRESET"
        ) {
          resolve(undefined)
        } else
          reject(
            new EngineError("ENGINE_SOCKET", `${paths.socket}: ${error.message}`, { cause: error }),
          )
      })
    })
  }

  send(message: ClientMessage): void {
    this.#socket.write(`${JSON.stringify(message)}\n`)
  }

  end(): void {
    this.#socket.end()
  }

  /** The next message, or nothing at the end. */
  next(): Promise<DaemonMessage | undefined> {
    const first = this.#queue.shift()
    if (first || this.closed) return Promise.resolve(first)
    return new Promise((resolve) => {
      const settle = (message?: DaemonMessage) => {
        this.#onMessage = undefined
        this.#onClose = undefined
        resolve(message)
      }
      this.#onMessage = settle
      this.#onClose = settle
    })
  }

  /** Hands over every message from now on. */
  listen(onMessage: (message: DaemonMessage) => void, onClose: () => void): void {
    this.#onMessage = onMessage
    this.#onClose = onClose
    for (const message of this.#queue.splice(0)) onMessage(message)
    if (this.closed) onClose()
  }
}

const startsWithin = 30_000

/** Gets a connection to the engine, and starts an engine for that when there is none. */
class Starter {
  readonly #paths: Paths
  readonly #bundle: string
  readonly #report: Report
  #isSetUp: boolean
  #logStart = 0

  constructor(paths: Paths, bundle: string, report: Report, { isSetUp = false } = {}) {
    this.#paths = paths
    this.#bundle = bundle
    this.#report = report
    this.#isSetUp = isSetUp
  }

  async connected(): Promise<Link> {
    const warm = await Link.to(this.#paths)
    if (warm) return warm
    makeDirs(this.#paths)
    if (!this.#isSetUp) {
      // Only loaded here: a run on a warm engine has no use for it.
      const { ensureEngine } = await import("./setup/setup.ts")
      await ensureEngine({ report: this.#report, automatic: true })
      this.#isSetUp = true
    }
    const deadline = Date.now() + startsWithin
    let daemon: { running: boolean; how: string } | undefined
    for (;;) {
      const link = await Link.to(this.#paths)
      if (link) return link
      if (daemon && !daemon.running && daemon.how !== "") throw this.#startFailed(daemon.how)
      if (Date.now() > deadline)
        throw this.#startFailed(`did not listen within ${startsWithin / 1000} s`)
      // One that found another in charge has ended; by now that other one may be gone.
      if (!daemon?.running) daemon = this.#spawn()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  #spawn(): { running: boolean; how: string } {
    rotate(this.#paths.log)
    const log = openSync(this.#paths.log, "a", 0o600)
    this.#logStart = fstatSync(log).size
    const state = { running: true, how: "" }
    try {
      const loader = this.#bundle.endsWith(".ts")
        ? ["--import", createRequire(import.meta.url).resolve("tsx")]
        : []
      // The daemon stays: a small nursery keeps it small, and it has no hurry to make garbage.
      const node = ["--max-semi-space-size=2", "--optimize-for-size"]
      const child = spawn(process.execPath, [...node, ...loader, this.#bundle, "serve"], {
        cwd: "/",
        detached: true,
        stdio: ["ignore", log, log],
        env: { ...daemonEnv(process.env), PYLINE_STATE_DIR: this.#paths.state },
      })
      child.unref()
      child.on("error", (error) => Object.assign(state, { running: false, how: error.message }))
      child.on("exit", (code, signal) => {
        state.running = false
        // 75: another engine is in charge of this state directory already, or still. 0: this one was asked by a client of
        // another build before ours came, and gave way.
        if (code !== 75 && code !== 0)
          state.how = signal ? `was killed (${signal})` : `exited with code ${code}`
      })
    } finally {
      closeSync(log)
    }
    return state
  }

  #startFailed(how: string): EngineError {
    return new EngineError(
      "ENGINE_START",
      `The engine could not be started: it ${how}.${tail(this.#paths.log, this.#logStart)}`,
      {
        log: this.#paths.log,
      },
    )
  }
}

/** Path of the engine's program: the bundle, or its source in a checkout that was not built. */
function enginePath(): string {
  const override = process.env.PYLINE_ENGINE_BUNDLE
  if (override) return override
  const bundle = fileURLToPath(new URL("../dist/engine.mjs", import.meta.url))
  return existsSync(bundle) ? bundle : fileURLToPath(new URL("./main.ts", import.meta.url))
}

function failure(
  message: { code: string; message: string; fix?: string | undefined },
  paths: Paths,
): EngineError {
  return new EngineError(message.code, message.message, { fix: message.fix, log: paths.log })
}

function lostError(paths: Paths, session: unknown): EngineError {
  const when = session ? "while it worked for this run" : "before it answered"
  return new EngineError("ENGINE_LOST", `The engine ended ${when}: it was killed, or crashed.`, {
    fix: "run the same command again: a new engine is started",
    log: paths.log,
  })
}

/** What the log says since it had `from` bytes: the error if there is one, else its last lines. */
function tail(file: string, from: number): string {
  try {
    const lines = readFileSync(file).subarray(from).toString("utf8").trim().split("\n")
    const error = lines.find((line) => /^\S*Error\b.*: /.test(line))
    return `\n${error ?? lines.slice(-3).join("\n")}`
  } catch {
    return ""
  }
}

function room(paths: Paths): { store?: { free: number } } {
  try {
    const { bavail, bsize } = statfsSync(paths.state)
    return { store: { free: bavail * bsize } }
  } catch {
    return {}
  }
}

export { EngineError, stateDir }
