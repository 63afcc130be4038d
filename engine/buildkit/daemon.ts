import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs"
import { basename, join } from "node:path"
import type { Paths } from "../daemon/paths.ts"
import { buildkitdToml, type RegistryConfig } from "./config.ts"
import { diesWithUs, inNamespaces } from "./contain.ts"
import { dropAllIngests } from "./ingest.ts"
import { NOTES, prepareNetwork, removeNetwork, type ServiceNetwork } from "./network.ts"

export interface BuildkitdOptions {
  program: string
  runc: string
  /** The engine's own programs. */
  bin: string
  /** `host`: no network for services is made. */
  network?: "host" | undefined
  paths: Paths
  registries: Record<string, RegistryConfig>
  env: NodeJS.ProcessEnv
}

/** The end of a process: half a sentence on how, and whether the program itself went wrong. */
export interface Ended {
  how: string
  crashed: boolean
}

/** A buildkitd of our own: its data, sockets, mounts and processes are below one state directory. */
export class Buildkitd {
  readonly address: string
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ended>
  /** Where its services have their addresses. */
  readonly network: ServiceNetwork
  readonly #child: ChildProcess
  readonly #paths: Paths
  readonly #log: string
  readonly #logStart: number

  private constructor(
    child: ChildProcess,
    paths: Paths,
    logStart: number,
    network: ServiceNetwork,
  ) {
    this.network = network
    this.#child = child
    this.#paths = paths
    this.#log = paths.buildkitLog
    this.#logStart = logStart
    this.address = `unix://${paths.buildkitSocket}`
    this.ended = new Promise((resolve) => {
      child.on("error", (error) =>
        resolve({ how: `could not be started (${error.message})`, crashed: false }),
      )
      child.on("exit", (code, signal) => resolve(this.#end(code, signal)))
    })
  }

  /** Starts the process; whether it serves is for a client to find out. */
  static start(options: BuildkitdOptions): Buildkitd {
    const { paths } = options
    killStray(paths)
    sweepCgroups(paths)
    dropAllIngests(paths.buildkitRoot)
    // Namespaces of a BuildKit that was killed: nothing but their names is left.
    rmSync(join(paths.buildkitRoot, "net"), { recursive: true, force: true })
    const network = prepareNetwork(paths, options)
    for (const dir of [paths.buildkitRoot, paths.tmp])
      mkdirSync(dir, { recursive: true, mode: 0o700 })
    rmSync(paths.buildkitSocket, { force: true })
    const config = configFile(paths)
    const { blocks, bsize } = statfsSync(paths.buildkitRoot)
    writeFileSync(
      config,
      buildkitdToml({
        root: paths.buildkitRoot,
        runc: options.runc,
        cgroupParent: cgroupParent(paths),
        diskBytes: blocks * bsize,
        registries: options.registries,
        network,
      }),
    )
    const log = openSync(paths.buildkitLog, "a", 0o600)
    try {
      const [command, ...args] = diesWithUs(
        inNamespaces(
          [options.program, "--config", config, "--addr", `unix://${paths.buildkitSocket}`],
          // runc's notes of its containers, and the bundles of steps: they have secrets in them.
          [
            paths.tmp,
            "/run/runc",
            join(paths.buildkitRoot, "runc-overlayfs", "executor"),
            ...(network.kind === "bridge" ? [NOTES] : []),
          ],
        ),
      )
      const child = spawn(command, args, {
        // Of its own process group: Ctrl-C in the client's terminal is not for it.
        detached: true,
        stdio: ["ignore", log, log],
        env: {
          ...options.env,
          TMPDIR: paths.tmp,
          // The defaults cut the output of a step at 2 MiB and 200 KiB/s.
          BUILDKIT_STEP_LOG_MAX_SIZE: "-1",
          BUILDKIT_STEP_LOG_MAX_SPEED: "-1",
        },
      })
      return new Buildkitd(child, paths, fstatSync(log).size, network)
    } finally {
      closeSync(log)
    }
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** What this process wrote to its log, at most its last 16 KiB. */
  logTail(): string {
    const fd = openSync(this.#log, "r")
    try {
      const { size } = fstatSync(fd)
      const from = Math.max(Math.min(this.#logStart, size), size - 16_384)
      const buffer = Buffer.alloc(size - from)
      readSync(fd, buffer, 0, buffer.length, from)
      return buffer.toString("utf8")
    } finally {
      closeSync(fd)
    }
  }

  #end(code: number | null, signal: NodeJS.Signals | null): Ended {
    // What we see is the end of unshare, which cannot pass on that its child was killed.
    const killed =
      signal ?? (/sigprocmask unblock failed/.test(this.logTail()) ? "SIGKILL" : undefined)
    if (killed) return { how: `was killed (${killed})`, crashed: false }
    // 2 is how Go ends a program that has panicked.
    return { how: `exited with code ${code}`, crashed: code === 2 }
  }

  /** Ends it, at first politely. */
  async stop(): Promise<void> {
    const { pid } = this.#child
    if (pid === undefined) return
    // To the whole group: unshare ignores SIGTERM and does not pass it on.
    signalGroup(pid, "SIGTERM")
    const force = setTimeout(() => signalGroup(pid, "SIGKILL"), 5000)
    await this.ended
    clearTimeout(force)
    if (this.network.kind === "bridge") removeNetwork(this.network)
    sweepCgroups(this.#paths)
  }

  kill(): void {
    if (this.#child.pid !== undefined) signalGroup(this.#child.pid, "SIGKILL")
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended by itself.
  }
}

function configFile(paths: Paths): string {
  return join(paths.state, "buildkitd.toml")
}

// A name of our own, so that what is left below it is ours to remove.
function cgroupParent(paths: Paths): string {
  return `pyline-${createHash("sha256").update(paths.state).digest("hex").slice(0, 12)}`
}

/**
 * Ends a buildkitd that an earlier daemon left behind. The kernel does that (see contain.ts) but for
 * a window of some microseconds while it starts, which is why this looks again. The caller holds the
 * engine's lock: whoever has BuildKit's own lock is a leftover.
 */
function killStray(paths: Paths): void {
  const lock = join(paths.buildkitRoot, "buildkitd.lock")
  const free = () => spawnSync("flock", ["-n", lock, "true"]).status !== 1
  mkdirSync(paths.buildkitRoot, { recursive: true, mode: 0o700 })
  if (free()) return
  const config = configFile(paths)
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue
    try {
      const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
      if (basename(args[0] ?? "") === "buildkitd" && args.includes(config))
        process.kill(+pid, "SIGKILL")
    } catch {
      // It ended meanwhile.
    }
  }
  // Its end takes as long as that of its last container.
  spawnSync("flock", ["-w", "5", lock, "true"])
}

/** Removes our empty cgroups: of containers that were killed together with their BuildKit, and those around them. */
function sweepCgroups(paths: Paths): void {
  const root = "/sys/fs/cgroup"
  const parent = cgroupParent(paths)
  for (const base of [root, ...list(root).map((name) => join(root, name))]) {
    // BuildKit's groups are `<parent>/buildkit/<id>`.
    const groups = join(base, parent, "buildkit")
    const ours = [...list(groups).map((name) => join(groups, name)), groups, join(base, parent)]
    for (const group of ours) {
      try {
        rmdirSync(group)
      } catch {
        // A control file, one that is not there, or a group that is still in use.
      }
    }
  }
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
