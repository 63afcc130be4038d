import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

/** Whether this machine has the registry of Docker's distribution (Debian: docker-registry). */
export const hasDockerRegistry =
  spawnSync("docker-registry", ["--version"], { stdio: "ignore" }).status === 0

/** `user:password` for the name and password that the registry wants: bcrypt is all that it reads. */
export const LOGIN = { username: "robot", password: "correct horse" }
const HTPASSWD = "robot:$2b$05$epBQbQX3SZY7uA1JgZK.m.ZjLpXmgl.Eu0CERFqbA17gSmDucHEp2"

/** The real registry on loopback, with its files in a folder of its own. */
export class DockerRegistry {
  readonly #dir = mkdtempSync(path.join(tmpdir(), "pyline-registry-"))
  #process: ChildProcess | undefined
  #port = 0

  static async start(options: { login?: boolean } = {}): Promise<DockerRegistry> {
    const registry = new DockerRegistry()
    registry.#port = await freePort()
    const auth = path.join(registry.#dir, "htpasswd")
    writeFileSync(auth, `${HTPASSWD}\n`)
    const config = {
      version: "0.1",
      log: { level: "warn" },
      storage: { filesystem: { rootdirectory: path.join(registry.#dir, "data") } },
      http: { addr: registry.host },
      ...(options.login ? { auth: { htpasswd: { realm: "here", path: auth } } } : {}),
    }
    // YAML takes JSON.
    writeFileSync(path.join(registry.#dir, "config.yml"), JSON.stringify(config))
    await registry.up()
    return registry
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`
  }

  async up(): Promise<void> {
    const child = spawn("docker-registry", ["serve", path.join(this.#dir, "config.yml")], {
      stdio: "ignore",
    })
    this.#process = child
    for (let tries = 0; tries < 200; tries++) {
      const answers = await fetch(`http://${this.host}/v2/`).then(
        () => true,
        () => false,
      )
      if (answers) return
      if (child.exitCode !== null) break
      await sleep(50)
    }
    throw new Error("docker-registry did not start")
  }

  async down(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGKILL")
    await gone
  }

  /** What is on its disk under a path. */
  read(...parts: string[]): string {
    return readFileSync(path.join(this.#dir, "data", ...parts), "utf8")
  }

  /** Loses a tag, as when somebody removes it. */
  forget(name: string, tag: string): void {
    const tags = `docker/registry/v2/repositories/${name}/_manifests/tags/${tag}`
    rmSync(path.join(this.#dir, "data", tags), { recursive: true })
  }

  /** Removes all that has no tag, as registries do from time to time. */
  async collectGarbage(): Promise<void> {
    await this.down()
    const config = path.join(this.#dir, "config.yml")
    const { status, stderr } = spawnSync(
      "docker-registry",
      ["garbage-collect", "--delete-untagged", config],
      { encoding: "utf8" },
    )
    if (status !== 0) throw new Error(stderr)
    await this.up()
  }

  async remove(): Promise<void> {
    await this.down()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0))
    })
  })
}
