import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process"
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { LOGIN } from "../../contract/servers/dockerRegistry.ts"

const here = import.meta.dirname
const PACKAGES = ["docker.io", "containerd", "tini", "openssh-server", "libwrap0", "caddy"]
const unpacked = path.resolve(here, "../../../node_modules/.cache/pyline-docker-host")

/**
 * The folder with Debian's packages of a docker host, unpacked and not installed: nothing of them starts by itself. Or why
 * there is none.
 */
export function dockerTools(): { tools: string } | { why: string } {
  if (process.getuid?.() !== 0) return { why: "a docker host of its own needs root" }
  for (const program of ["unshare", "nsenter", "ip", "iptables", "runc", "ssh", "dpkg", "apt-get"])
    if (spawnSync("sh", ["-c", 'command -v "$0"', program]).status !== 0)
      return { why: `a docker host of its own needs ${program}` }
  if (existsSync(unpacked)) return { tools: unpacked }
  mkdirSync(path.dirname(unpacked), { recursive: true })
  const made = mkdtempSync(`${unpacked}-`)
  const download = () =>
    spawnSync("apt-get", ["download", ...PACKAGES], { cwd: made, encoding: "utf8" })
  let run = download()
  if (run.status !== 0) {
    spawnSync("apt-get", ["update", "-q"])
    run = download()
  }
  if (run.status !== 0) {
    rmSync(made, { recursive: true, force: true })
    return { why: `Debian's docker.io cannot be had: ${run.stderr.trim().split("\n").at(-1)}` }
  }
  execFileSync("sh", ["-ec", 'for each in *.deb; do dpkg -x "$each" .; rm "$each"; done'], {
    cwd: made,
  })
  try {
    renameSync(made, unpacked)
  } catch {
    // Another test did the same.
    rmSync(made, { recursive: true, force: true })
  }
  return { tools: unpacked }
}

/** A machine with Debian's dockerd and sshd, in namespaces of its own; both are reached through loopback. */
export class Host {
  readonly folder = mkdtempSync(path.join(tmpdir(), "pyline-host-"))
  readonly #group = path.basename(this.folder)
  readonly #tools: string
  readonly #relays: Server[] = []
  #process: ChildProcess | undefined
  #pid = 0
  #registryPort = ""
  sshPort = 0
  /** Loopback port of what listens on the host's port 8080. */
  webPort = 0

  private constructor(tools: string) {
    this.#tools = tools
  }

  /** `registry` is the address of a registry on loopback; the host has it under the same address. */
  static async start(tools: string, registry: string): Promise<Host> {
    const host = new Host(tools)
    await host.#start(registry).catch(async (error) => {
      const log = host.#log("out") + host.#log("sshd.log") + host.#log("dockerd.log")
      await host.remove()
      throw new Error(`${error}\n${log}`)
    })
    return host
  }

  get url(): string {
    return `ssh://deploy@127.0.0.1:${this.sshPort}`
  }

  /** Folder with docker's configuration of who publishes; whoever deploys has none. */
  get login(): string {
    return path.join(this.folder, "login")
  }

  /** Private half of the key that the host lets in. */
  get key(): string {
    return path.join(this.folder, "key")
  }

  get knownHosts(): string {
    return `[127.0.0.1]:${this.sshPort} ${readFileSync(path.join(this.folder, "host_key.pub"), "utf8")}`
  }

  /** Lets the key of another host in. */
  trust(other: Host): void {
    const keys = path.join(other.folder, "authorized_keys")
    appendFileSync(path.join(this.folder, "authorized_keys"), readFileSync(keys))
  }

  async #start(registry: string): Promise<void> {
    for (const name of ["key", "host_key"])
      execFileSync("ssh-keygen", [
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-f",
        path.join(this.folder, name),
      ])
    renameSync(`${this.key}.pub`, path.join(this.folder, "authorized_keys"))
    mkdirSync(this.login)
    const auth = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64")
    const config = { auths: { [registry]: { auth } } }
    writeFileSync(path.join(this.login, "config.json"), JSON.stringify(config))
    this.#registryPort = registry.split(":")[1] ?? ""
    const port = Number(this.#registryPort)
    await this.#relay({ unix: path.join(this.folder, "registry") }, { port })
    await this.#on()
    this.sshPort = await this.#relay({}, { unix: path.join(this.folder, "ssh") })
    this.webPort = await this.#relay({}, { unix: path.join(this.folder, "web") })
  }

  async #on(): Promise<void> {
    const namespaces = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    const about = [this.folder, this.#tools, this.#registryPort, this.#group]
    const words = [...namespaces, "sh", path.join(here, "host.sh"), ...about]
    const child = spawn("unshare", words, { stdio: ["pipe", "inherit", "inherit"] })
    this.#process = child
    await until("dockerd answers", async () => {
      if (child.exitCode !== null) throw new Error("the host ended")
      const { stdout } = spawnSync("pgrep", ["-P", String(child.pid)], { encoding: "utf8" })
      this.#pid = Number(stdout.trim())
      return this.#pid > 0 && (await this.try("docker", "version")).status === 0
    })
  }

  /** Ends all that runs on it; the kernel does, with its first process. */
  async #off(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGKILL")
    await gone
    await until("its processes are gone", () => !existsSync(`/proc/${this.#pid}`))
  }

  /** Listens on a path or a free port, and connects to what is told. */
  async #relay(from: { unix?: string }, to: { unix?: string; port?: number }): Promise<number> {
    const server = createServer((socket) => {
      const other = to.unix === undefined ? connect(to.port ?? 0, "127.0.0.1") : connect(to.unix)
      for (const each of [socket, other])
        each.on("error", () => {
          socket.destroy()
          other.destroy()
        })
      socket.pipe(other).pipe(socket)
      socket.on("close", () => other.destroy())
      other.on("close", () => socket.destroy())
    })
    this.#relays.push(server)
    await new Promise<void>((resolve) =>
      from.unix === undefined
        ? server.listen(0, "127.0.0.1", resolve)
        : server.listen(from.unix, resolve),
    )
    const address = server.address()
    return typeof address === "object" && address ? address.port : 0
  }

  #words(words: string[]): [string, string[]] {
    const at = `PATH=${this.#tools}/usr/bin:${process.env.PATH}`
    return ["nsenter", ["-t", String(this.#pid), "-m", "-n", "-p", "env", at, ...words]]
  }

  /** Runs a program on the host, as root. */
  try(...words: string[]) {
    // Not in this thread alone: what connects to the registry goes through it.
    return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) => {
      const child = execFile(...this.#words(words), { maxBuffer: 64 << 20 }, (_, stdout, stderr) =>
        resolve({ status: child.exitCode, stdout, stderr }),
      )
    })
  }

  /** Its standard output; throws where it fails. */
  async run(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.try(...words)
    if (status !== 0) throw new Error(`${words.join(" ")}: ${status}\n${stdout}${stderr}`)
    return stdout.trim()
  }

  spawn(...words: string[]): ChildProcess {
    return spawn(...this.#words(words), { stdio: ["pipe", "pipe", "inherit"] })
  }

  /** Names of its containers that run. */
  async containers(...filter: string[]): Promise<string[]> {
    const names = await this.run("docker", "ps", "--format", "{{.Names}}", ...filter)
    return names.split("\n").filter(Boolean).sort()
  }

  /** Kills docker, and nothing of what it runs. It comes back by itself. */
  async killDocker(): Promise<void> {
    await this.run("sh", "-c", "kill -KILL $(cat /run/docker.pid)")
  }

  /** Cuts its power, and switches it on again. */
  async reboot(): Promise<void> {
    await this.#off()
    await this.#on()
  }

  #log(name: string): string {
    const file = path.join(this.folder, name)
    return existsSync(file) ? readFileSync(file, "utf8").slice(-3000) : ""
  }

  /** Ends all that runs on it, and takes its files away. */
  async remove(): Promise<void> {
    for (const server of this.#relays.splice(0)) server.close()
    const child = this.#process
    child?.stdin?.end()
    await until("it ends", () => child === undefined || child.exitCode !== null, 20).catch(() => {})
    await this.#off()
    // The kernel ends a namespace's processes a moment after its first.
    const groups = `find /sys/fs/cgroup -depth -type d -path '*/${this.#group}*' -exec rmdir {} + 2>/dev/null; true`
    for (let tries = 0; tries < 20; tries++) {
      execFileSync("sh", ["-c", groups])
      const left = spawnSync("sh", ["-c", `find /sys/fs/cgroup -type d -name '${this.#group}'`])
      if (left.stdout.length === 0) break
      await sleep(100)
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export async function until(what: string, done: () => boolean | Promise<boolean>, seconds = 60) {
  const limit = Date.now() + seconds * 1000
  while (!(await done())) {
    if (Date.now() > limit) throw new Error(`not within ${seconds} s: ${what}`)
    await sleep(150)
  }
}
