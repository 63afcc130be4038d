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
  SolveEvent,
  SolveParams,
  SolveResult,
} from "./bridge-protocol.ts"
import { diesWithUs } from "./contain.ts"
import { isPartialBlob } from "./ingest.ts"

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

type Repair = (ociLayouts: string[]) => void

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
  readonly #repair: Repair | undefined
  #next = 0
  #dead: BridgeError | undefined

  private constructor(child: ChildProcess, repair: Repair | undefined) {
    this.#child = child
    this.#repair = repair
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

  /**
   * Starts the program. `log` is the descriptor that its standard error goes to; `repair` makes a
   * solve possible that failed because an earlier upload of its OCI layouts was interrupted.
   */
  static start(
    program: string,
    options: { log: number; env: NodeJS.ProcessEnv; repair?: Repair },
  ): Bridge {
    const [command, ...args] = diesWithUs([program])
    return new Bridge(
      spawn(command, args, { stdio: ["pipe", "pipe", options.log], env: options.env }),
      options.repair,
    )
  }

  get alive(): boolean {
    return this.#dead === undefined
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Connects to a BuildKit daemon and waits until it answers, at most `timeoutMs`. */
  connect(address: string, timeoutMs = 20_000): Promise<Connected> {
    return this.#call("connect", { address, timeoutMs })
  }

  resolveImage(params: ResolveImageParams, signal?: AbortSignal): Promise<ResolvedImage> {
    return this.#call("resolveImage", params, { signal })
  }

  /** Solves targets of a build definition and reads files of their results. */
  solve(
    params: SolveParams,
    onEvent?: (event: SolveEvent) => void,
    signal?: AbortSignal,
  ): Promise<SolveResult> {
    return this.#repaired(params, () => this.#call("solve", params, { onEvent, signal }))
  }

  export(
    params: ExportParams,
    onEvent?: (event: SolveEvent) => void,
    signal?: AbortSignal,
  ): Promise<ExportResult> {
    return this.#repaired(params, () => this.#call("export", params, { onEvent, signal }))
  }

  /** Runs a container that is no build step; the result comes when it ends. */
  service(
    params: ServiceParams,
    onEvent: (event: ServiceEvent) => void,
    signal?: AbortSignal,
  ): Running<{ exitCode: number }> {
    const id = this.#next + 1
    return { id, result: this.#call("service", params, { onEvent, signal }) }
  }

  async serviceStop(params: { request: number; signal?: number; graceMs?: number }): Promise<void> {
    await this.#call("serviceStop", params)
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

  async #repaired<Result>(
    params: { ociLayouts?: Record<string, string> },
    call: () => Promise<Result>,
  ): Promise<Result> {
    const layouts = Object.values(params.ociLayouts ?? {})
    for (let left = 10; ; left--) {
      try {
        return await call()
      } catch (error) {
        const again = error instanceof BridgeError && isPartialBlob(error.message) && left > 0
        if (!this.#repair || !again || layouts.length === 0) throw error
        this.#repair(layouts)
        // Another solve may be at it, and finish it.
        await new Promise((resolve) => setTimeout(resolve, 250))
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
    this.#pending.delete(message.id)
    if (message.error) pending.reject(new BridgeError(message.error))
    else pending.resolve(message.result as never)
  }
}

function canceled(): BridgeError {
  return new BridgeError({ code: "CANCELED", message: "canceled" })
}
