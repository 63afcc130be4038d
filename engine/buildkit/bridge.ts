import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { LineSplitter } from "../daemon/lines.ts"
import type {
  BridgeFailure,
  Connected,
  DiskUsage,
  ExportParams,
  ExportResult,
  PruneParams,
  ResolvedImage,
  ResolveImageParams,
  ServiceEvent,
  ServiceParams,
  ServiceResult,
  SolveEvent,
  SolveParams,
  SolveResult,
  TerminalEvent,
  TerminalMove,
  TerminalParams,
  TerminalResult,
} from "./bridge-protocol.ts"
import { diesWithUs } from "./contain.ts"
import { isPartialBlob } from "./ingest.ts"
import { Patience } from "./patience.ts"

/** An answer of the bridge that is an error, or the end of the bridge itself (`UNAVAILABLE`). */
export class BridgeError extends Error {
  override readonly name = "BridgeError"
  readonly failure: BridgeFailure

  constructor(failure: BridgeFailure) {
    super(failure.message)
    this.failure = failure
  }

  get code(): BridgeFailure["code"] {
    return this.failure.code
  }
}

/** What can be done about requests that fail for reasons which are not the user's. */
interface Care {
  /** Makes a solve possible that failed because an earlier upload of its OCI layouts was interrupted. */
  repair?: (ociLayouts: string[]) => void
  /** Removes a download that arrived corrupt. */
  dropBlob?: (digest: string) => void
  /** The error in other words, for a disk that is full: with sizes. */
  diskFull?: (message: string) => string
  /** What to say of the disk after a step has failed, if anything. */
  shortOfRoom?: () => string | undefined
  warn?: (text: string) => void
  /** Replaces a BuildKit whose data turned out to be broken; nothing when that was tried in vain. */
  renew?: (why: string) => Promise<Bridge> | undefined
}

interface Pending {
  resolve(value: never): void
  reject(error: Error): void
  onEvent: ((event: never) => void) | undefined
}

/** A request that runs: its answer, and the number under which other requests know it. */
export interface Running<Result> {
  id: number
  result: Promise<Result>
}

/**
 * The `bridge` program: BuildKit's own client behind one JSON object a line. It is a child process
 * that ends with this one, however this one ends.
 */
export class Bridge {
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  readonly #care: Care
  #next = 0
  #dead: BridgeError | undefined
  #backend: Promise<string> | undefined
  #renewed: Promise<Bridge> | undefined

  private constructor(child: ChildProcess, care: Care) {
    this.#child = child
    this.#care = care
    const lines = new LineSplitter((line) => this.#receive(line))
    child.stdout?.on("data", (chunk: Buffer) => lines.push(chunk))
    // A write to a process that has just died; its exit says the rest.
    child.stdin?.on("error", () => {})
    this.ended = new Promise((resolve) => {
      const end = (why: string) => {
        this.fail(`the connection to BuildKit broke: its bridge ${why}`)
        resolve()
      }
      child.on("error", (error) => end(`could not be started (${error.message})`))
      child.on("close", (code, signal) =>
        end(signal ? `was killed (${signal})` : `exited (code ${code})`),
      )
    })
  }

  /** Starts the program. `log` is the descriptor that its standard error goes to. */
  static start(
    program: string,
    { log, env, ...care }: { log: number; env: NodeJS.ProcessEnv } & Care,
  ): Bridge {
    const [command, ...args] = diesWithUs([program])
    return new Bridge(spawn(command, args, { stdio: ["pipe", "pipe", log], env }), care)
  }

  get alive(): boolean {
    return this.#dead === undefined
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /**
   * Tells of a promise for the end of the BuildKit behind it. Its end cuts connections a moment
   * before it is known to be the cause; what fails meanwhile fails for this reason then.
   */
  backendEnds(ended: Promise<string>): void {
    this.#backend = ended
    void ended.then((why) => this.fail(why))
  }

  /** Has what runs made again on a new BuildKit, as the data of this one is broken; false when not. */
  renew(why: string): boolean {
    this.#renewed ??= this.#care.renew?.(why)
    return this.#renewed !== undefined
  }

  /** Connects to a BuildKit daemon and waits until it answers, at most `timeoutMs`. */
  connect(address: string, timeoutMs = 20_000): Promise<Connected> {
    return this.#call("connect", { address, timeoutMs })
  }

  resolveImage(params: ResolveImageParams, signal?: AbortSignal): Promise<ResolvedImage> {
    return this.#patiently({}, signal, () => this.#call("resolveImage", params, { signal }))
  }

  /** Solves targets of a build definition and reads files of their results. */
  solve(
    params: SolveParams,
    onEvent?: (event: SolveEvent) => void,
    signal?: AbortSignal,
  ): Promise<SolveResult> {
    return this.#renewing((bridge) =>
      bridge.#patiently(params, signal, () => bridge.#call("solve", params, { onEvent, signal })),
    )
  }

  export(
    params: ExportParams,
    onEvent?: (event: SolveEvent) => void,
    signal?: AbortSignal,
  ): Promise<ExportResult> {
    return this.#renewing((bridge) =>
      bridge.#patiently(params, signal, () => bridge.#call("export", params, { onEvent, signal })),
    )
  }

  /** Runs a container that is no build step; the result comes when it ends. */
  service(
    params: ServiceParams,
    onEvent: (event: ServiceEvent) => void,
    signal?: AbortSignal,
  ): Running<ServiceResult> {
    const id = this.#next + 1
    return { id, result: this.#call("service", params, { onEvent, signal }) }
  }

  async serviceStop(params: { request: number; signal?: number; graceMs?: number }): Promise<void> {
    await this.#call("serviceStop", params)
  }

  /** Runs a container that has a terminal; the result comes when it ends. */
  terminal(
    params: TerminalParams,
    onEvent: (event: TerminalEvent) => void,
    signal?: AbortSignal,
  ): Running<TerminalResult> {
    const id = this.#next + 1
    return { id, result: this.#call("terminal", params, { onEvent, signal }) }
  }

  /** Moves take effect in the order in which they are made. One of a terminal that has ended does nothing. */
  async terminalMove(request: number, move: TerminalMove): Promise<void> {
    await this.#call("terminalMove", { request, ...move })
  }

  prune(params: PruneParams, signal?: AbortSignal): Promise<{ bytes: number; records: number }> {
    return this.#call("prune", params, { signal })
  }

  diskUsage(params: { filter?: string[] } = {}): Promise<DiskUsage> {
    return this.#call("diskUsage", params)
  }

  /** Ends everything that runs and the program itself. */
  async close(): Promise<void> {
    this.#child.stdin?.end()
    const force = setTimeout(() => this.#child.kill("SIGKILL"), 5000)
    await this.ended
    clearTimeout(force)
  }

  /** Rejects what runs with this reason and kills the program: what it is connected to is gone. */
  fail(reason: string): void {
    if (this.#dead) return
    this.#dead = new BridgeError({ code: "UNAVAILABLE", message: reason })
    for (const { reject } of this.#pending.values()) reject(this.#dead)
    this.#pending.clear()
    this.#child.kill("SIGKILL")
  }

  /**
   * A call that is made once more on a new BuildKit when the data of this one is broken. What fails
   * together with it, as BuildKit is replaced, is made again as well.
   */
  async #renewing<Result>(call: (bridge: Bridge) => Promise<Result>): Promise<Result> {
    try {
      return await call(this)
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error
      if (isBrokenState(error.failure)) this.renew(error.message)
      if (!this.#renewed) throw error
      const renewed = await this.#renewed
      return await call(renewed)
    }
  }

  /** Tries again what fails for reasons that pass or can be mended. Steps that went well are not run again by that. */
  async #patiently<Result>(
    params: { ociLayouts?: Record<string, string> },
    signal: AbortSignal | undefined,
    call: () => Promise<Result>,
  ): Promise<Result> {
    const { repair, dropBlob, warn = () => {} } = this.#care
    const layouts = Object.values(params.ociLayouts ?? {})
    const drop = (digest: string) => {
      dropBlob?.(digest)
      return dropBlob !== undefined
    }
    const patience = new Patience({ drop, warn, signal })
    for (let left = 10; ; ) {
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof BridgeError)) throw error
        if (error.code === "CANCELED" && signal?.aborted !== true && left-- > 0) {
          // BuildKit did a part of the work once for several solves, and the one it did it for went away.
          await new Promise((resolve) => setTimeout(resolve, 100))
          continue
        }
        if (notItsFault.has(error.code)) throw error
        if (isPartialBlob(error.message)) {
          if (!repair || left-- === 0 || layouts.length === 0) throw error
          repair(layouts)
          // Another solve may be at it, and finish it.
          await new Promise((resolve) => setTimeout(resolve, 250))
        } else if (!(await patience.allows(error.message))) throw error
      }
    }
  }

  #call<Result, Event>(
    method: string,
    params: unknown,
    how: {
      onEvent?: ((event: Event) => void) | undefined
      signal?: AbortSignal | undefined
    } = {},
  ): Promise<Result> {
    const { onEvent, signal } = how
    const id = ++this.#next
    if (this.#dead) return Promise.reject(this.#dead)
    if (signal?.aborted) return Promise.reject(canceled())
    return new Promise<Result>((resolve, reject) => {
      // The answer, CANCELED, is waited for: until then parts of the request may still run.
      const abort = () =>
        this.#send({ id: ++this.#next, method: "cancel", params: { request: id } })
      const settled = () => signal?.removeEventListener("abort", abort)
      this.#pending.set(id, {
        resolve: (value) => {
          settled()
          resolve(value)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
        onEvent,
      })
      signal?.addEventListener("abort", abort, { once: true })
      this.#send({ id, method, params })
    })
  }

  #explained(failure: BridgeFailure): BridgeFailure {
    if (failure.code === "EXEC") {
      const short = this.#care.shortOfRoom?.()
      if (short) this.#care.warn?.(short)
    }
    if (failure.code !== "DISK_FULL" || !this.#care.diskFull) return failure
    return { ...failure, message: this.#care.diskFull(failure.message) }
  }

  #send(message: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`)
  }

  #receive(line: string): void {
    let message: { id: number; event?: never; result?: never; error?: BridgeFailure }
    try {
      message = JSON.parse(line)
    } catch {
      this.fail("the bridge to BuildKit wrote a line that is not JSON")
      return
    }
    const pending = this.#pending.get(message.id)
    if (!pending) return
    if (message.event !== undefined) {
      pending.onEvent?.(message.event)
      return
    }
    const { error } = message
    const settle = () => {
      this.#pending.delete(message.id)
      if (error) pending.reject(new BridgeError(this.#explained(error)))
      else pending.resolve(message.result as never)
    }
    // The end of BuildKit rejects what is still pending, with its own words.
    if (error && this.#backend && isConnectionLost(error)) setTimeout(settle, 500)
    else settle()
  }
}

/** Whether BuildKit's own data contradicts itself: files of it were lost or overwritten. */
function isBrokenState({ code, message }: BridgeFailure): boolean {
  return (
    (code === "SOLVE" || code === "NOT_FOUND" || code === "INTERNAL") &&
    /parent snapshot \S+ does not exist|missing parent .* bucket|rename \S+\/snapshots\/new-\d+ .*: file exists|failed to open database file|invalid database/.test(
      message,
    )
  )
}

function isConnectionLost({ code, message }: BridgeFailure): boolean {
  return (
    code === "UNAVAILABLE" ||
    /\bUnavailable: |error reading from server|connection (refused|reset)/.test(message)
  )
}

/** Failures that no registry has caused. */
const notItsFault = new Set<BridgeFailure["code"]>([
  ...(["EXEC", "CHANGED", "CANCELED", "DISK_FULL", "UNAVAILABLE", "INVALID"] as const),
])

function canceled(): BridgeError {
  return new BridgeError({ code: "CANCELED", message: "canceled" })
}
