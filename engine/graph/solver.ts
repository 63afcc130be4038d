import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import path from "node:path"
import { type Bridge, BridgeError } from "../buildkit/bridge.ts"
import type { ExportParams, Read, ReadResult, SolveEvent } from "../buildkit/bridge-protocol.ts"
import { toEntriesJson } from "../host/tree.ts"
import { exec, PRIVATE } from "../llb/exec.ts"
import { closure, type Fs, fsKey, type Output, type Vertex } from "../llb/vertex.ts"
import type { ExecRecord, Memo } from "../store/memo.ts"
import { EngineError, ExecFailure } from "./errors.ts"
import type { Progress } from "./progress.ts"

/** Who asks: whose secrets are used, who is told of progress, and who may cancel. */
export interface Asker {
  progress: Progress
  signal: AbortSignal
}

export interface Want {
  output: Output
  reads?: Read[]
}

export interface SolverOptions {
  bridge: () => Promise<Bridge>
  memo: Memo
  /** Folder for lists of files to upload. */
  temporary: string
  shim: () => Promise<Output>
}

const META_READS: Read[] = ["exitCode", "stdout", "stderr", "combined"].map((name) => ({
  kind: "file",
  path: `/${name}`,
}))

/** Has BuildKit make what is asked for, and nothing that is known already. */
export class Solver {
  readonly #options: SolverOptions

  constructor(options: SolverOptions) {
    this.#options = options
  }

  /** Makes the outputs if they were never made; throws what makes them fail. */
  async ensure(asker: Asker, outputs: Output[]): Promise<void> {
    const { memo } = this.#options
    const missing = outputs.filter((o) => !memo.get(o.vertex.exec ? o.vertex.key : okKey(o)))
    if (missing.length === 0) {
      this.#tellKnown(asker, outputs)
      return
    }
    await this.#run(
      asker,
      missing.map((output) => ({ output })),
    )
    for (const output of missing) if (!output.vertex.exec) memo.set(okKey(output), { ok: true })
  }

  /** What the step printed, and its exit code. Runs it unless that is known. */
  async execRecord(asker: Asker, vertex: Vertex): Promise<ExecRecord> {
    const known = this.#options.memo.get(vertex.key)
    if (known && "exec" in known) {
      this.#tellKnown(asker, [{ vertex, index: 0 }])
      return known.exec
    }
    const meta = { vertex, index: vertex.exec?.meta ?? 0 }
    const [reads] = await this.#run(asker, [{ output: meta, reads: META_READS }])
    return toRecord(reads ?? [])
  }

  /** Reads from a file system; `null` is an empty one. The answers are in the order of the questions. */
  async read(asker: Asker, fs: Fs, reads: Read[]): Promise<ReadResult[]> {
    if (!fs) return reads.map((r) => readEmpty(r))
    const [results] = await this.#run(asker, [{ output: fs, reads }])
    return results ?? []
  }

  /** Asks the shim a question about a tree; the answer is kept by content. */
  async query<T>(asker: Asker, name: string, spec: object, trees: Record<string, Fs>): Promise<T> {
    const asked = exec({
      name,
      args: [name],
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
    const key = `${asked.vertex.key}-answer`
    const known = this.#options.memo.get(key)
    if (known && "answer" in known) return known.answer as T
    const [reads] = await this.#run(asker, [
      { output: asked.meta, reads: [{ kind: "file", path: "/result.json" }] },
    ])
    const data = reads?.[0]?.data
    if (data === undefined) throw new EngineError(`${name}: no answer`)
    const answer = JSON.parse(Buffer.from(data, "base64").toString()) as T
    this.#options.memo.set(key, { answer })
    return answer
  }

  /** Writes an output to the host, or pushes it as an image: see the bridge's `export`. */
  async export(
    asker: Asker,
    fs: Fs,
    to: {
      type: ExportParams["type"]
      dest?: string
      attrs?: Record<string, string>
      imageConfig?: Buffer
    },
    registryAuth: Record<string, { username: string; password: string }> = {},
  ): Promise<Record<string, string>> {
    if (fs) await this.ensure(asker, [fs])
    const graph = fs ? closure([fs]) : []
    const params = await this.#params(graph, fs ? [{ output: fs }] : [])
    if (!fs) params.targets = [{ digest: "", index: 0 }]
    const bridge = await this.#options.bridge()
    const { imageConfig, ...rest } = to
    const { metadata } = await this.#translate(graph, () =>
      bridge.export(
        {
          ...params,
          registryAuth,
          ...rest,
          ...(imageConfig && { imageConfig: imageConfig.toString("base64") }),
        },
        this.#listener(asker, graph),
        asker.signal,
      ),
    )
    return metadata
  }

  async #run(asker: Asker, wants: Want[]): Promise<ReadResult[][]> {
    const { memo } = this.#options
    const graph = closure(wants.map((w) => w.output))
    const execs = graph.filter((v) => v.exec)
    const fresh = execs.filter((v) => !memo.get(v.key))
    const known = execs.filter((v) => memo.get(v.key))
    const metas = fresh.map((v) => ({
      output: { vertex: v, index: v.exec?.meta ?? 0 },
      reads: META_READS,
    }))
    // Every output of a step is made in the same job: an output that is asked for later would
    // otherwise not be in BuildKit's cache, and the step would run again.
    const others = fresh.flatMap((v) =>
      range(v.exec?.count ?? 0)
        .filter((index) => index !== v.exec?.meta)
        .map((index) => ({ output: { vertex: v, index } })),
    )
    const targets: Want[] = [...wants, ...metas, ...others]
    const bridge = await this.#options.bridge()
    const params = await this.#params(graph, targets)
    const result = await this.#translate(graph, () =>
      bridge.solve(
        {
          ...params,
          watch: known.map((v) => ({ digest: v.digest, indexes: range(v.exec?.count ?? 0) })),
        },
        this.#listener(asker, graph),
        asker.signal,
      ),
    )
    metas.forEach((meta, i) => {
      const reads = result.targets[wants.length + i]?.reads ?? []
      memo.set(meta.output.vertex.key, { exec: toRecord(reads) })
    })
    await this.#relearn(asker, known, new Set(result.executed))
    return wants.map((_, i) => result.targets[i]?.reads ?? [])
  }

  /** BuildKit had lost a step that was known: what it printed this time is what counts now. */
  async #relearn(asker: Asker, known: Vertex[], executed: Set<string>): Promise<void> {
    const again = known.filter((v) => executed.has(v.digest))
    if (again.length === 0) return
    for (const v of again) this.#options.memo.forget(v.key)
    await this.#run(
      asker,
      again.map((v) => ({ output: { vertex: v, index: v.exec?.meta ?? 0 } })),
    )
  }

  async #params(graph: Vertex[], targets: Want[]) {
    const locals: Record<string, { root: string; entries: string }> = {}
    const ociLayouts: Record<string, string> = {}
    const secrets: Record<string, string> = {}
    for (const v of graph) {
      const at = v.attachment
      if (at?.kind === "tree") {
        locals[at.name] = { root: at.tree.root, entries: this.#entriesFile(at) }
      } else if (at?.kind === "layout") {
        ociLayouts[at.name] = at.dir
      }
      for (const secret of v.exec?.secrets ?? []) {
        if (secrets[secret.id] !== undefined) continue
        try {
          secrets[secret.id] = (await secret.plaintext()).toString("base64")
        } catch (error) {
          // Only a step that really runs needs its secrets.
          if (!this.#options.memo.get(v.key)) throw error
        }
      }
    }
    return {
      ops: graph.map((v) => v.bytes.toString("base64")),
      metadata: Object.fromEntries(graph.map((v) => [v.digest, { customName: v.name }])),
      targets: targets.map(({ output, reads }) => ({
        digest: output.vertex.digest,
        index: output.index,
        ...(reads && { reads }),
      })),
      locals,
      ociLayouts,
      secrets,
    }
  }

  #entriesFile(at: { name: string; tree: Parameters<typeof toEntriesJson>[0] }): string {
    const file = path.join(this.#options.temporary, `${at.name}.json`)
    mkdirSync(this.#options.temporary, { recursive: true, mode: 0o700 })
    writeFileSync(`${file}.tmp`, toEntriesJson(at.tree), { mode: 0o600 })
    renameSync(`${file}.tmp`, file)
    return file
  }

  #listener(asker: Asker, graph: Vertex[]): (event: SolveEvent) => void {
    const byDigest = new Map(graph.map((v) => [v.digest, v]))
    return (event) => asker.progress.solveEvent(event, byDigest)
  }

  #tellKnown(asker: Asker, outputs: Output[]): void {
    for (const v of closure(outputs)) if (v.exec) asker.progress.known(v)
  }

  /** Runs a bridge call; a failed step is told in the words of its own command. */
  async #translate<T>(graph: Vertex[], call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error
      const { vertex, exitCode = -1, setup, ...failure } = error.failure
      const failed = graph.find((v) => v.digest === vertex)
      if (failure.code === "EXEC" && failed?.exec) {
        throw new ExecFailure(
          failed.exec.args,
          exitCode,
          tail(failure.stdoutTail, failure.stdoutBytes),
          tail(failure.stderrTail, failure.stderrBytes),
          setup || exitCode < 0 ? failure.message : undefined,
        )
      }
      throw new EngineError(error.message, { cause: error })
    }
  }
}

/** The end of a stream as Dagger shows it: trimmed, and saying what was left out before it. */
function tail(base64 = "", bytes = 0): string {
  const kept = Buffer.from(base64, "base64")
  const omitted = bytes - kept.length
  const text = kept.toString("utf8").trim()
  return omitted > 0 ? `[omitting ${omitted} bytes]...${text}` : text
}

const okKey = (o: Output) => `${fsKey(o).replace(":", "-")}-ok`

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

function toRecord(reads: ReadResult[]): ExecRecord {
  const text = (i: number) => {
    const data = reads[i]?.data
    if (data === undefined) {
      throw new EngineError("the step left no record of its output: its file system was lost")
    }
    return Buffer.from(data, "base64").toString("utf8")
  }
  return { exitCode: Number(text(0)), stdout: text(1), stderr: text(2), combined: text(3) }
}

function readEmpty(read: Read): ReadResult {
  if (read.kind === "dir" && read.path === "/") return { entries: [] }
  return { error: `${read.path}: no such file or directory`, code: "ENOENT" }
}
