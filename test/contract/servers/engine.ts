import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { type Client, connect } from "@dagger.io/dagger"
import {
  control,
  type EngineSession,
  type OpenOptions,
  openSession,
} from "../../../engine/client.ts"
import type { SessionEvent } from "../../../engine/daemon/api-contract.ts"
import { enginePaths, type Paths } from "../../../engine/daemon/paths.ts"
import { type EngineConfig, loadConfig, saveConfig } from "../../../engine/setup/config.ts"
import { ensureEngine } from "../../../engine/setup/setup.ts"
import { remove } from "../../remove.ts"
import { bundleEngine } from "../../unit/daemon/bundle.ts"

/** Everything that a person would be shown of a session, in the order in which it came. */
export interface Told {
  events: SessionEvent[]
  /** Titles, outputs and errors as text. */
  text(): string
}

export interface SessionOptions {
  cwd?: string
  resolveSecret?(uri: string): Promise<Buffer | string>
  openTerminal?: NonNullable<OpenOptions["openTerminal"]>
}

export interface OpenSession {
  engine: EngineSession
  told: Told
  client: Client
}

/**
 * An embedded engine that shares nothing but the programs of the machine's own: what a test does
 * to it, nobody else sees.
 */
export class OwnEngine {
  readonly state: string
  readonly paths: Paths
  readonly bundle: string
  readonly env: Record<string, string>

  private constructor(state: string, bundle: string) {
    this.state = state
    this.paths = enginePaths(state)
    this.bundle = bundle
    this.env = { PYLINE_STATE_DIR: state, PYLINE_ENGINE_BUNDLE: bundle, BUILDKIT_HOST: "" }
  }

  /** The same state, as clients of another build of the tool see it. */
  with(env: { PYLINE_ENGINE_BUNDLE: string }): OwnEngine {
    return new OwnEngine(this.state, env.PYLINE_ENGINE_BUNDLE)
  }

  /** `state`: an empty folder for it, such as a small disk of its own. */
  static async create(options: { state?: string; config?: Partial<EngineConfig> } = {}) {
    // Programs are built and images made once, where every test finds them.
    const ready = await ensureEngine({ report: () => {} })
    const state = options.state ?? mkdtempSync(path.join(tmpdir(), "pyline-own-"))
    const bundle = path.join(mkdtempSync(path.join(tmpdir(), "pyline-bundle-")), "engine.mjs")
    await bundleEngine(bundle)
    const engine = new OwnEngine(state, bundle)
    saveConfig(engine.paths, { ...ready, ...options.config })
    return engine
  }

  get config(): EngineConfig {
    return loadConfig(this.paths)
  }

  /** Runs `work` with the environment in which clients find this engine. */
  async here<T>(work: () => Promise<T>, env: Record<string, string> = this.env): Promise<T> {
    const before = { ...process.env }
    Object.assign(process.env, env)
    try {
      // Where the engine is, is read before the first wait.
      return await work()
    } finally {
      for (const name of Object.keys(env)) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
    }
  }

  async open(options: SessionOptions = {}): Promise<OpenSession> {
    const events: SessionEvent[] = []
    const told = { events, text: () => events.map(shown).join("") }
    const engine = await this.here(() =>
      openSession({
        cwd: options.cwd ?? this.state,
        onEvent: (event) => events.push(event),
        resolveSecret: options.resolveSecret ?? (() => Promise.reject(new Error("no secrets"))),
        report: () => {},
        ...(options.openTerminal && { openTerminal: options.openTerminal }),
      }),
    )
    process.env["DAGGER_SESSION_PORT"] = String(engine.port)
    process.env["DAGGER_SESSION_TOKEN"] = engine.token
    // The SDK ends the connection with its callback: this one has no state to be ended.
    const client = await new Promise<Client>((resolve, reject) => {
      connect(async (connected) => resolve(connected)).catch(reject)
    })
    return { engine, told, client }
  }

  async session<T>(
    work: (client: Client, told: Told) => Promise<T>,
    options: SessionOptions = {},
  ): Promise<T> {
    const { engine, told, client } = await this.open(options)
    try {
      return await work(client, told)
    } finally {
      await engine.close()
    }
  }

  status() {
    return this.here(() => control({ type: "status" }))
  }

  prune(all = true) {
    return this.here(() => control({ type: "prune", all }))
  }

  stop() {
    return this.here(() => control({ type: "stop" }))
  }

  logs(): string {
    return [this.paths.log, this.paths.buildkitLog]
      .map((file) => (existsSync(file) ? readFileSync(file, "utf8") : ""))
      .join("\n")
  }

  async remove(): Promise<void> {
    await this.stop().catch(() => {})
    await remove(this.state)
    rmSync(path.dirname(this.bundle), { recursive: true, force: true })
  }
}

function shown(event: SessionEvent): string {
  switch (event.type) {
    case "log":
      return event.data
    case "message":
      return `${event.text}\n`
    case "step":
      return `[${event.name}] ${event.status} ${event.error ?? ""}\n`
  }
}

/** A folder on a disk of its own with so many bytes. */
export function smallDisk(bytes: number): { dir: string; remove(): void } {
  const dir = mkdtempSync(path.join(tmpdir(), "pyline-disk-"))
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "pyline-test", dir])
  return {
    dir,
    remove() {
      execFileSync("umount", ["-l", dir])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
