import { setMaxListeners } from "node:events"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import path from "node:path"
import type { ServiceNetwork } from "../buildkit/network.ts"
import type { ClientTerminal } from "../daemon/api-contract.ts"
import { EngineError } from "../graph/errors.ts"
import type { StepSupport } from "../graph/execute.ts"
import type { Images, ResolvedImage } from "../graph/images.ts"
import type { Mask } from "../graph/mask.ts"
import type { Progress } from "../graph/progress.ts"
import { Services } from "../graph/services.ts"
import type { Asker, Solver } from "../graph/solver.ts"
import { type Container, type Directory, type File, identify, type Value } from "../graph/values.ts"
import type { HostReader } from "../host/reader.ts"
import { closure, type Fs, type Output } from "../llb/vertex.ts"

type Kind = Value["kind"]
type ValueOf<K extends Kind> = Extract<Value, { kind: K }>

/** What all sessions share. */
export interface Engine {
  solver: Solver
  host: HostReader
  images: Images
  steps(): Promise<StepSupport>
  /** Where services have their addresses. */
  network(): Promise<ServiceNetwork>
  /** Ports of this machine that services have, and which. */
  takenPorts: Map<number, string>
  /** Makes an OCI image layout in `dir` of an image archive. */
  unpack(archive: string, dir: string): Promise<void>
  /** Folder for what is written on the way: uploads, archives. */
  temporary: string
  /** Makes digests of secrets useless outside this engine. */
  salt: Buffer
}

/** One client's view of the engine: its values by id, its folder, its secrets. */
export class Session implements Asker {
  readonly id: string
  readonly cwd: string
  readonly token: Buffer
  readonly engine: Engine
  readonly progress: Progress
  readonly askSecret: (uri: string) => Promise<Buffer>
  readonly openTerminal: () => Promise<ClientTerminal>
  /** Hides the session's secrets in what is said of it. */
  readonly mask: Mask
  /** Directories of the host, read once a session. */
  readonly snapshots = new Map<string, Promise<Directory>>()
  /** What tags of images stood for when this session first asked. */
  readonly images = new Map<string, Promise<ResolvedImage>>()
  readonly services: Services
  readonly #abort = new AbortController()
  readonly #values = new Map<string, Value>()
  readonly #running = new Set<Promise<unknown>>()

  constructor(options: {
    id: string
    cwd: string
    token: string
    engine: Engine
    progress: Progress
    askSecret: (uri: string) => Promise<Buffer>
    openTerminal: () => Promise<ClientTerminal>
    mask: Mask
  }) {
    this.id = options.id
    this.cwd = options.cwd
    this.token = Buffer.from(options.token)
    this.engine = options.engine
    this.progress = options.progress
    this.askSecret = options.askSecret
    this.openTerminal = options.openTerminal
    this.mask = options.mask
    this.services = new Services({
      asker: this,
      solver: this.engine.solver,
      support: () => this.support(),
      network: () => this.engine.network(),
      taken: this.engine.takenPorts,
    })
    // Each solve listens, and a session may have any number of them at once.
    setMaxListeners(0, this.#abort.signal)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** What steps of this session are given. */
  async support(): Promise<StepSupport> {
    return { ...(await this.engine.steps()), hosts: (b) => this.services.hosts(b) }
  }

  /** The id under which a client may name the value in this session. Equal values have one id. */
  idOf(value: Value): string {
    const id = identify(value)
    // The newest of equal values counts: its secrets are what the client gave last.
    this.#values.set(id, value)
    return id
  }

  value(id: string): Value {
    const value = this.#values.get(id)
    if (!value) throw new EngineError(`invalid ID: ${JSON.stringify(id).slice(0, 80)}`)
    return value
  }

  load<K extends Kind>(kind: K, id: string): ValueOf<K> {
    const value = this.value(id)
    if (value.kind !== kind) {
      throw new EngineError(`expected an ID of a ${kind}, got that of a ${value.kind}`)
    }
    return value as ValueOf<K>
  }

  /** A new folder that is removed when the session ends. */
  newFolder(): string {
    const parent = path.join(this.engine.temporary, `session-${this.id}`)
    mkdirSync(parent, { recursive: true, mode: 0o700 })
    return mkdtempSync(path.join(parent, "/"))
  }

  hostPath(p: string): string {
    return path.resolve(this.cwd, p)
  }

  /** Makes what the value stands for, if a step is part of it; throws what makes that fail. */
  async settle<V extends Container | Directory | File>(value: V): Promise<V> {
    const outputs = outputsOf(value)
    if (outputs.some(hasExec)) await this.engine.solver.ensure(this, outputs)
    return value
  }

  /** Keeps track of a request, so that closing can wait for it. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work)
    try {
      return await work
    } finally {
      this.#running.delete(work)
    }
  }

  async close(): Promise<void> {
    this.#abort.abort(new EngineError("the session was closed"))
    await Promise.allSettled([...this.#running, this.services.close()])
    const folder = path.join(this.engine.temporary, `session-${this.id}`)
    rmSync(folder, { recursive: true, force: true })
  }
}

const hasExec = (output: Output) => closure([output]).some((v) => v.exec)

/** The outputs that a value needs. */
export function outputsOf(value: Container | Directory | File): Output[] {
  const fs: Fs[] = [value.fs]
  if (value.kind === "Container") {
    if (value.lastExec) fs.push({ vertex: value.lastExec.vertex, index: 0 })
    for (const mount of value.mounts) if (mount.type === "dir") fs.push(mount.fs)
  }
  return fs.filter((f) => f !== null)
}
