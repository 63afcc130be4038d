import { spawn, spawnSync } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import { folder, pyline, root } from "./pyline.ts"

/** An image as it was exported, unpacked: nothing of Pyline or its engine has a part in running it. */
export interface Image {
  digest: string
  manifest: {
    layers: { digest: string; size: number; mediaType: string }[]
    config: { digest: string }
    annotations?: Record<string, string>
  }
  config: {
    config: {
      Env: string[]
      User: string
      Cmd: string[]
      Entrypoint?: string[]
      WorkingDir: string
      Labels: Record<string, string>
      ExposedPorts?: Record<string, unknown>
      Healthcheck?: { Test: string[] }
    }
    created: string
    history: { created: string }[]
  }
  rootfs: string
  /** The base alone. */
  base: string
  /** Names of the entries of a layer, whiteouts too. */
  entries(layer: number): string[]
}

/** A copy of one of the apps, to be edited at will. */
export function app(name: string): string {
  const copy = path.join(folder(), name)
  cpSync(path.join(root, "test/apps", name), copy, { recursive: true })
  return copy
}

/** The image of a project, made by the command and unpacked. */
export async function built(source: string, ...more: string[]): Promise<Image> {
  const archive = path.join(folder(), "image.tar")
  const made = await pyline(["image", "--source", source, ...more, "-o", archive])
  expect(made.exitCode, made.all).toBe(0)
  return unpack(archive)
}

function sh(command: string, args: string[], input?: Buffer): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error ?? stderr}`)
  return stdout
}

/** Bases are the same for all: unpacked once, and linked to. */
const bases = new Map<string, string>()

/** Unpacks an archive as the OCI image specification says, whiteouts included. */
export function unpack(archive: string): Image {
  const layout = folder()
  sh("tar", ["-xf", archive, "-C", layout])
  const blob = (digest: string): string => path.join(layout, "blobs", digest.replace(":", "/"))
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8"))
  const digest: string = read(path.join(layout, "index.json")).manifests[0].digest
  const manifest: Image["manifest"] = read(blob(digest))
  for (const each of [digest, manifest.config.digest, ...manifest.layers.map((l) => l.digest)]) {
    const found = createHash("sha256")
      .update(readFileSync(blob(each)))
      .digest("hex")
    if (each !== `sha256:${found}`) throw new Error(`${each} is ${found}`)
  }
  const rootfs = path.join(folder(), "rootfs")
  let base = ""
  const entries = (layer: number): string[] =>
    sh("tar", ["-tf", blob(manifest.layers[layer]?.digest ?? "")])
      .split("\n")
      .filter((name) => name !== "")
  for (const [index, layer] of manifest.layers.entries()) {
    if (index === 0) {
      base = bases.get(layer.digest) ?? folder()
      if (!bases.has(layer.digest)) sh("tar", ["-xf", blob(layer.digest), "-C", base])
      bases.set(layer.digest, base)
      sh("cp", ["-al", base, rootfs])
      continue
    }
    for (const name of entries(index)) {
      const at = name.lastIndexOf("/.wh.")
      if (at >= 0) {
        const gone = path.join(rootfs, name.slice(0, at), name.slice(at + "/.wh.".length))
        rmSync(gone, { recursive: true, force: true })
      }
    }
    sh("tar", ["-xf", blob(layer.digest), "-C", rootfs, "--exclude=.wh.*"])
  }
  return { digest, manifest, config: read(blob(manifest.config.digest)), rootfs, base, entries }
}

/** Bytes of the files below a directory. */
export const size = (directory: string): number =>
  Number(sh("du", ["-sb", directory]).split("\t")[0])

/** A port that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

/** An image with runc: where that is not there, its tests are left out. */
export const hasRunc = spawnSync("runc", ["--version"]).status === 0

export interface Running {
  output(): string
  /** Runs a command beside it, as the same user. */
  exec(args: string[]): { status: number | null; output: string }
  /** Asks it to end. */
  stop(): Promise<{ status: number | null; seconds: number }>
  ended: Promise<number | null>
}

/** A number that no image knows: OpenShift gives one like it to every project. */
export const ANY_USER = 1_000_640_000 + Math.floor(Math.random() * 10_000)

const running = new Set<() => void>()
process.on("exit", () => {
  for (const end of running) end()
})

/**
 * Runs an image with runc as any user, on a file system that cannot be written to but for /tmp, without capabilities.
 */
export function run(image: Image, env: Record<string, string> = {}, args?: string[]): Running {
  const { config } = image.config
  const bundle = path.dirname(image.rootfs)
  const state = path.join(bundle, "state")
  mkdirSync(state, { recursive: true })
  const tmpfs = (destination: string, ...options: string[]) => ({
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "nodev", ...options],
  })
  const process_ = {
    user: { uid: ANY_USER, gid: 0 },
    args: args ?? [...(config.Entrypoint ?? []), ...config.Cmd],
    env: [...config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
    cwd: config.WorkingDir,
    noNewPrivileges: true,
  }
  const spec = {
    ociVersion: "1.0.2",
    process: process_,
    root: { path: "rootfs", readonly: true },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
      { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance"] },
      tmpfs("/dev/shm", "mode=1777"),
      tmpfs("/tmp", "mode=1777"),
    ],
    linux: {
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: ["pid", "ipc", "uts", "mount"].map((type) => ({ type })),
    },
  }
  writeFileSync(path.join(bundle, "config.json"), JSON.stringify(spec))
  const id = `pyline-test-${randomBytes(6).toString("hex")}`
  const runc = ["--root", state]
  const child = spawn("runc", [...runc, "run", "--bundle", bundle, id], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      output += data
    })
  }
  const end = () => spawnSync("runc", [...runc, "delete", "--force", id])
  running.add(end)
  const ended = new Promise<number | null>((resolve) =>
    child.on("close", (status) => {
      end()
      running.delete(end)
      resolve(status)
    }),
  )
  return {
    output: () => output,
    ended,
    exec(command) {
      const file = path.join(bundle, "exec.json")
      writeFileSync(file, JSON.stringify({ ...process_, args: command }))
      const made = spawnSync("runc", [...runc, "exec", "--process", file, id], { encoding: "utf8" })
      return { status: made.status, output: made.stdout + made.stderr }
    },
    async stop() {
      const started = Date.now()
      spawnSync("runc", [...runc, "kill", id, "TERM"])
      const status = await Promise.race([ended, sleep(20_000).then(() => "still there" as const)])
      const seconds = (Date.now() - started) / 1000
      if (status === "still there") {
        end()
        return { status: null, seconds }
      }
      return { status, seconds }
    },
  }
}

/** What it answers over HTTP once it does. */
export async function answer(container: Running, url: string): Promise<Response> {
  let over: number | null | undefined
  container.ended.then((status) => {
    over = status
  })
  const until = Date.now() + 60_000
  while (Date.now() < until) {
    if (over !== undefined) throw new Error(`it ended with ${over}:\n${container.output()}`)
    try {
      return await fetch(url)
    } catch {
      await sleep(50)
    }
  }
  throw new Error(`${url} does not answer:\n${container.output()}`)
}

/** Waits for words in its output. */
export async function says(container: Running, words: string): Promise<void> {
  const until = Date.now() + 60_000
  while (!container.output().includes(words)) {
    if (Date.now() > until) throw new Error(`it does not say ${words}:\n${container.output()}`)
    await sleep(50)
  }
}
