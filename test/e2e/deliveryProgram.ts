import { type ChildProcess, execFile, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll } from "vitest"
import type { Image } from "../contract/servers/image.ts"
import { image, tar } from "../contract/servers/image.ts"
import { digestOf } from "../contract/servers/registry.ts"
import { probeDirectory } from "../unit/ci/fixtures.ts"

// Where all tests of a file are skipped, nothing of it is run afterwards either.
let folder: string | undefined
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})
let made = 0

export const newFolder = (): string => {
  folder ??= mkdtempSync(path.join(tmpdir(), "pyline-delivery-test-"))
  const dir = path.join(folder, `${made++}`)
  mkdirSync(dir)
  return dir
}

/** An image with nothing in it but a random word, of a commit of this time. */
export function release(created: string, labels: Record<string, string> = {}): Image {
  const { type, manifest, config, layers } = image([tar({ "/data": randomBytes(100) })])
  const document = JSON.parse(config.toString())
  document.config.Labels = { "org.opencontainers.image.created": created, ...labels }
  const labelled = Buffer.from(JSON.stringify(document))
  const changed = JSON.parse(manifest.toString())
  Object.assign(changed.config, { digest: digestOf(labelled), size: labelled.length })
  return { type, manifest: Buffer.from(JSON.stringify(changed)), config: labelled, layers }
}

/** Uploads an image to a registry; its digest. */
export async function upload(
  host: string,
  name: string,
  tag: string,
  image_: Image,
): Promise<string> {
  const at = `http://${host}/v2/${name}`
  for (const blob of [image_.config, ...image_.layers]) {
    const begun = await fetch(`${at}/blobs/uploads/`, { method: "POST" })
    const location = new URL(begun.headers.get("location") ?? "", at)
    location.searchParams.set("digest", digestOf(blob))
    await ok(fetch(location, { method: "PUT", body: new Uint8Array(blob) }))
  }
  await ok(
    fetch(`${at}/manifests/${tag}`, {
      method: "PUT",
      body: new Uint8Array(image_.manifest),
      headers: { "content-type": image_.type },
    }),
  )
  return digestOf(image_.manifest)
}

async function ok(asked: Promise<Response>): Promise<void> {
  const answer = await asked
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
}

export interface Answer {
  ok: boolean
  kind?: string
  code?: string
  message?: string
  detail?: string[]
  [key: string]: unknown
}

/** A run of ci/probe/delivery. */
export interface Run {
  process: ChildProcess
  ended: Promise<{ answer: Answer | undefined; printed: string }>
}

/** Starts ci/probe/delivery as the pipeline does. `watch`: seconds until a silent run is taken for dead; `secrets`: files, by name. */
export function start(
  command: string,
  request: object,
  watch = 30,
  secrets: Record<string, string> = {},
): Run {
  const dir = newFolder()
  const [input, output] = [path.join(dir, "request.json"), path.join(dir, "result.json")]
  writeFileSync(input, JSON.stringify(request))
  for (const [name, file] of Object.entries(secrets)) copyFileSync(file, path.join(dir, name))
  const code = `
import sys
from delivery import alive, lease
lease.SECONDS, lease.EVERY = ${watch}, ${watch / 3}
alive.WATCH_S, alive.BEAT_S = ${watch}, ${Math.min(8, watch / 4)}
from delivery.__main__ import main
`
  const child = spawn(
    "python3",
    [
      ...["-B", "-c", `${code}sys.exit(main(sys.argv[1:]))`, command, input],
      ...["--output", output, "--secrets", dir],
    ],
    // What a killed run leaves is gone with the folder.
    { env: { ...process.env, PYTHONPATH: probeDirectory, TMPDIR: dir }, detached: true },
  )
  let printed = ""
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (data) => {
      printed += data
    })
  const ended = new Promise<{ answer: Answer | undefined; printed: string }>((resolve) => {
    child.on("close", () => {
      let answer: Answer | undefined
      try {
        answer = JSON.parse(readFileSync(output, "utf8"))
      } catch {}
      resolve({ answer, printed })
    })
  })
  return { process: child, ended }
}

export async function run(
  command: string,
  request: object,
  watch?: number,
  secrets?: Record<string, string>,
): Promise<Answer> {
  const { answer, printed } = await start(command, request, watch, secrets).ended
  if (answer === undefined) throw new Error(`no answer: ${printed}`)
  return { ...answer, printed }
}

/** What a Python program prints that has the modules of ci/probe. */
export function python(code: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PYTHONPATH: probeDirectory }
  return new Promise((resolve, reject) =>
    execFile("python3", ["-B", "-c", code, ...args], { env }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr)) : resolve(stdout),
    ),
  )
}

/** An environment whose command writes the digest to a file, where it runs from then on, and an address that answers it. */
export class Place {
  readonly dir = newFolder()
  /** What the address answers beside the digest. */
  status = 200
  readonly #server = createServer((request, response) => {
    const status = request.url === "/healthz" ? this.status : 200
    response.writeHead(status).end(`release ${this.running() ?? "none"}`)
  })
  readonly name: string
  readonly registry: string
  readonly #settings: object

  constructor(name: string, registry: string, settings: object = {}) {
    this.name = name
    this.registry = registry
    this.#settings = settings
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    return this
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  running(): string | undefined {
    try {
      return readFileSync(path.join(this.dir, "running"), "utf8").trim() || undefined
    } catch {
      return undefined
    }
  }

  /** Replaces the command that brings an image there; `here` is its folder. */
  script(text: string): void {
    writeFileSync(path.join(this.dir, "deploy.sh"), `cd ${this.dir}\n${text}\n`)
  }

  get environment(): Record<string, unknown> {
    return {
      name: this.name,
      app: "shop",
      target: "command",
      registry: this.registry,
      url: this.url,
      health: "/healthz",
      healthTimeout: 5,
      timeout: 60,
      keep: 3,
      drain: 0,
      release: false,
      manual: false,
      order: 1,
      deployCommand: ["sh", path.join(this.dir, "deploy.sh")],
      runningCommand: ["sh", "-c", `cat ${this.dir}/running 2>/dev/null || true`],
      ...this.#settings,
    }
  }
}
