import type { Bridge } from "../buildkit/bridge.ts"
import type {
  ExportParams,
  Read,
  ReadResult,
  ServiceEvent,
  ServiceParams,
  ServiceResult,
  SolveEvent,
  TerminalEvent,
  TerminalMove,
  TerminalParams,
} from "../buildkit/bridge-protocol.ts"
import { exec, PRIVATE } from "../llb/exec.ts"
import { closure, type Fs, type Output, type StepSecret, type Vertex } from "../llb/vertex.ts"
import type { ExecRecord, Memo } from "../store/memo.ts"
import { EngineError } from "./errors.ts"
import { translate } from "./failure.ts"
import { Knowledge } from "./known.ts"
import type { Progress } from "./progress.ts"
import { RECORD, readEmpty, type Stream, toRecord } from "./record.ts"
import { clashes, makeRequest, type Want } from "./request.ts"

/** Who asks: whose secrets are used, who is told of progress, and who may cancel. */
export interface Asker {
  progress: Progress
  signal: AbortSignal
}

export interface RunningService {
  /** Resolves when the process is gone, however it ended. */
  ended: Promise<ServiceResult>
  /** Asks it to end, and kills it when it has not after `patience` milliseconds. */
  stop(how: { signal?: number; patience: number }): Promise<void>
}

export interface SolverOptions {
  bridge: () => Promise<Bridge>
  memo: Memo
  /** Folder for lists of files to upload. */
  temporary: string
  shim: () => Promise<Output>
}

/** Has BuildKit make what is asked for, and nothing that is known already. */
export class Solver {
  readonly known: Knowledge
  readonly #options: SolverOptions

  constructor(options: SolverOptions) {
    this.#options = options
    this.known = new Knowledge(options.memo)
  }

  /** Makes the outputs if they were never made; throws what makes them fail. */
  async ensure(asker: Asker, outputs: Output[]): Promise<void> {
    const missing = outputs.filter((o) => !this.known.isMade(o))
    if (missing.length === 0) {
      this.#tellKnown(asker, outputs)
      return
    }
    await this.#run(
      asker,
      missing.map((output) => ({ output })),
    )
    for (const output of missing) this.known.made(output)
  }

  /** How the step ended. Runs it unless that is known. */
  async execRecord(asker: Asker, vertex: Vertex): Promise<ExecRecord> {
    const output = { vertex, index: vertex.exec?.meta ?? 0 }
    await this.ensure(asker, [output])
    const record = this.known.record(vertex)
    if (!record) throw new EngineError("the step left no record of its output")
    return record
  }

  /** What the step printed. Runs it unless that is known. */
  async execOutput(asker: Asker, vertex: Vertex, stream: Stream): Promise<string> {
    const record = await this.execRecord(asker, vertex)
    const kept = record[stream]
    if (kept !== undefined) return kept
    const meta = { vertex, index: vertex.exec?.meta ?? 0 }
    const [read] = await this.read(asker, meta, [{ kind: "file", path: `/${stream}` }])
    return Buffer.from(read?.data ?? "", "base64").toString("utf8")
  }

  /** Reads from a file system; `null` is an empty one. The answers are in the order of the questions. */
  async read(asker: Asker, fs: Fs, reads: Read[]): Promise<ReadResult[]> {
    if (!fs) return reads.map((r) => readEmpty(r))
    const known = reads.map((r) => this.known.answer(fs, r))
    const missing = reads.filter((_, i) => !known[i])
    if (missing.length === 0) {
      this.#tellKnown(asker, [fs])
      return known as ReadResult[]
    }
    const [results = []] = await this.#run(asker, [{ output: fs, reads: missing }])
    return reads.map((read, i) => {
      if (known[i]) return known[i]
      const answer = results.shift() ?? { code: "EIO" }
      this.known.answered(fs, read, answer)
      return answer
    })
  }

  /** Asks the shim a question about trees; the answer is kept by content. */
  async query<T>(
    asker: Asker,
    spec: { op: string } & object,
    trees: Record<string, Fs>,
  ): Promise<T> {
    const asked = exec({
      name: spec.op,
      args: [spec.op],
      env: [],
      cwd: "/",
      root: null,
      mounts: Object.entries(trees).map(([dest, fs]) => ({
        type: "bind" as const,
        dest: `${PRIVATE}/${dest}`,
        fs,
        readonly: true,
      })),
      secretEnv: [],
      secrets: [],
      shimFs: await this.#options.shim(),
      shim: { mode: "query", spec },
    })
    const [answer] = await this.read(asker, asked.meta, [{ kind: "file", path: "/result.json" }])
    if (answer?.data === undefined) throw new EngineError(`${spec.op}: no answer`)
    return JSON.parse(Buffer.from(answer.data, "base64").toString()) as T
  }

  /** Writes outputs to the host, or pushes them as an image: see the bridge's `export`. */
  async export(
    asker: Asker,
    outputs: Output[],
    to: Omit<ExportParams, "ops">,
  ): Promise<Record<string, string>> {
    if (outputs.length > 0) await this.ensure(asker, outputs)
    const graph = closure(outputs)
    const bridge = await this.#options.bridge()
    const params = await this.#request(graph, [])
    const listener = this.#listener(asker, graph)
    try {
      const { metadata } = await bridge.export({ ...params, ...to }, listener, asker.signal)
      return metadata
    } catch (error) {
      throw translate(error, graph)
    }
  }

  /** Runs a container beside the steps. What it is made of is made first. */
  async service(
    asker: Asker,
    targets: Fs[],
    secrets: StepSecret[],
    params: Omit<ServiceParams, "ops" | "targets">,
    onEvent: (event: ServiceEvent) => void,
  ): Promise<RunningService> {
    const { bridge, graph, request } = await this.#beside(asker, targets, secrets)
    const { id, result } = bridge.service({ ...request, ...params }, onEvent, asker.signal)
    const ended = result.catch((error) => {
      throw translate(error, graph)
    })
    // Whoever started it may look later.
    ended.catch(() => {})
    return {
      ended,
      stop: async ({ signal, patience }) => {
        const how = { request: id, graceMs: patience, ...(signal && { signal }) }
        await bridge.serviceStop(how).catch(() => {})
        await ended.catch(() => {})
      },
    }
  }

  /** Runs a container that has a terminal, until its process ends. `begin` is called once what it is made of is made. */
  async terminal(
    asker: Asker,
    targets: Fs[],
    secrets: StepSecret[],
    begin: () => Promise<{
      params: Omit<TerminalParams, "ops" | "targets">
      onEvent(event: TerminalEvent): void
      moves(handler: (move: TerminalMove) => void): void
    }>,
  ): Promise<number> {
    const { bridge, graph, request } = await this.#beside(asker, targets, secrets)
    const { params, onEvent, moves } = await begin()
    const { id, result } = bridge.terminal({ ...request, ...params }, onEvent, asker.signal)
    moves((move) => void bridge.terminalMove(id, move).catch(() => {}))
    try {
      return (await result).exitCode
    } catch (error) {
      throw translate(error, graph)
    }
  }

  /** What the bridge wants to know of a container that is no step, beside its command. */
  async #beside(asker: Asker, targets: Fs[], secrets: StepSecret[]) {
    const outputs = targets.filter((t) => t !== null)
    await this.ensure(asker, outputs)
    const graph = closure(outputs)
    const request = await this.#request(graph, [])
    const values = await Promise.all(
      secrets.map(async (s) => [s.id, (await s.plaintext()).toString("base64")]),
    )
    return {
      bridge: await this.#options.bridge(),
      graph,
      request: {
        ...request,
        targets: targets.map((t) => ({ digest: t?.vertex.digest ?? "", index: t?.index ?? 0 })),
        secrets: { ...request.secrets, ...Object.fromEntries(values) },
      },
    }
  }

  async #run(asker: Asker, wants: Want[]): Promise<ReadResult[][]> {
    const steps = closure(wants.map((w) => w.output)).filter((v) => v.exec)
    const release = await hold(steps.filter((v) => !this.known.record(v)))
    try {
      return await this.#solve(asker, wants)
    } catch (error) {
      // A step was known, but BuildKit has lost it and would run it without what it needs.
      const lost = steps.filter((v) => needsHold(v) && this.known.record(v))
      if (lost.length === 0 || !/secret pyline:hosts:\S+ not found/.test(`${error}`)) throw error
      for (const v of lost) this.known.forget(v)
      return await this.#run(asker, wants)
    } finally {
      release()
    }
  }

  async #solve(asker: Asker, wants: Want[]): Promise<ReadResult[][]> {
    const graph = closure(wants.map((w) => w.output))
    const steps = graph.filter((v) => v.exec)
    for (const job of await clashes(steps.filter((v) => !this.known.record(v)))) {
      await this.#run(
        asker,
        job.map((vertex) => ({ output: { vertex, index: 0 } })),
      )
    }
    const fresh = steps.filter((v) => !this.known.record(v))
    const known = steps.filter((v) => this.known.record(v))
    const metas = fresh.map((vertex) => ({
      output: { vertex, index: vertex.exec?.meta ?? 0 },
      reads: RECORD,
    }))
    // Every output of a step is made in the same job: an output that is asked for later would
    // otherwise not be in BuildKit's cache, and the step would run again.
    const others = fresh.flatMap((vertex) =>
      range(vertex.exec?.count ?? 0)
        .filter((index) => index !== vertex.exec?.meta)
        .map((index) => ({ output: { vertex, index } })),
    )
    const bridge = await this.#options.bridge()
    const params = await this.#request(graph, [...wants, ...metas, ...others])
    const watch = known.map((v) => ({ digest: v.digest, indexes: range(v.exec?.count ?? 0) }))
    const listener = this.#listener(asker, graph)
    let result: Awaited<ReturnType<Bridge["solve"]>>
    try {
      result = await bridge.solve({ ...params, watch }, listener, asker.signal)
    } catch (error) {
      throw translate(error, graph)
    }
    metas.forEach((meta, i) => {
      const reads = result.targets[wants.length + i]?.reads ?? []
      this.known.learn(meta.output.vertex, toRecord(reads))
    })
    await this.#relearn(asker, known, new Set(result.executed))
    return wants.map((_, i) => result.targets[i]?.reads ?? [])
  }

  /** BuildKit had lost a step that was known: what it printed this time is what counts now. */
  async #relearn(asker: Asker, known: Vertex[], executed: Set<string>): Promise<void> {
    const again = known.filter((v) => executed.has(v.digest))
    if (again.length === 0) return
    for (const v of again) this.known.forget(v)
    await this.#run(
      asker,
      again.map((vertex) => ({ output: { vertex, index: 0 } })),
    )
  }

  #request(graph: Vertex[], targets: Want[]) {
    return makeRequest(graph, targets, this.#options.temporary, (v) => !this.known.record(v))
  }

  #listener(asker: Asker, graph: Vertex[]): (event: SolveEvent) => void {
    const byDigest = new Map(graph.map((v) => [v.digest, v]))
    return (event) => asker.progress.solveEvent(event, byDigest)
  }

  #tellKnown(asker: Asker, outputs: Output[]): void {
    for (const v of closure(outputs)) if (v.exec) asker.progress.known(v)
  }
}

/** Starts what steps need beside them; the answer lets go of it. */
async function hold(steps: Vertex[]): Promise<() => void> {
  const needs = steps.flatMap((v) => v.exec?.secrets.flatMap((s) => (s.hold ? [s] : [])) ?? [])
  const held = await Promise.allSettled(needs.map((secret) => secret.hold?.()))
  const release = () => {
    for (const h of held) if (h.status === "fulfilled") h.value?.()
  }
  const failed = held.find((h) => h.status === "rejected")
  if (!failed) return release
  release()
  throw failed.reason
}

const needsHold = (v: Vertex): boolean => v.exec?.secrets.some((s) => s.hold) ?? false

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
