import { type ChildProcess, execFile, spawn } from "node:child_process"
import { generateKeyPairSync, randomUUID } from "node:crypto"
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { ports } from "../ports.ts"
import { configuration } from "./pods.ts"

const tools = process.env.PYLINE_KUBERNETES ?? ""
const NAMES = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"]

/** Whether what a cluster is made of was built: test/kubernetes/tools.mts. */
export const hasCluster =
  tools !== "" && [...NAMES, "kubectl"].every((name) => existsSync(path.join(tools, name)))

/** The folder that has kubectl. */
export const kubectlFolder = tools

/** A real API server with its controllers and scheduler on loopback, one node that only kwok knows, and nothing that runs. */
export class Cluster {
  readonly dir = mkdtempSync(path.join(tmpdir(), "pyline-kubernetes-"))
  readonly #admin = randomUUID()
  readonly #deployer = randomUUID()
  readonly #processes: ChildProcess[] = []
  #port = 0

  static async start(): Promise<Cluster> {
    const cluster = new Cluster()
    try {
      await cluster.#up()
    } catch (error) {
      await cluster.remove()
      throw error
    }
    return cluster
  }

  /** The kubeconfig of who may do everything. */
  get admin(): string {
    return path.join(this.dir, "admin.json")
  }

  /** The kubeconfig of a service account, which may do what a Role says. */
  get deployer(): string {
    return path.join(this.dir, "deployer.json")
  }

  /** Runs kubectl as who may do everything; what it prints. */
  kubectl(words: string[], input = ""): Promise<string> {
    return new Promise((resolve, reject) => {
      const command = path.join(tools, "kubectl")
      const cache = path.join(this.dir, "cache")
      const child = execFile(
        command,
        ["--kubeconfig", this.admin, "--cache-dir", cache, ...words],
        (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)),
      )
      child.stdin?.end(input)
    })
  }

  /** An object, or a list. */
  async get<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.kubectl(["get", ...words, "-o", "json"])) as T
  }

  async apply(...items: object[]): Promise<void> {
    await this.kubectl(
      ["apply", "-f", "-"],
      JSON.stringify({ apiVersion: "v1", kind: "List", items }),
    )
  }

  async remove(): Promise<void> {
    await Promise.all(
      this.#processes
        .filter((child) => child.exitCode === null && child.signalCode === null)
        .map((child) => {
          const gone = new Promise((resolve) => child.once("exit", resolve))
          child.kill("SIGKILL")
          return gone
        }),
    )
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #up(): Promise<void> {
    const [client, peer, api, kubelet, controllers, scheduler] = await ports(6)
    this.#port = api ?? 0
    const certs = path.join(this.dir, "certs")
    const key = path.join(this.dir, "accounts.key")
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 })
    writeFileSync(key, pair.privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 })
    const tokens = path.join(this.dir, "tokens.csv")
    const users = [
      `${this.#admin},admin,admin,system:masters`,
      `${this.#deployer},deployer,deployer`,
    ]
    writeFileSync(tokens, `${users.join("\n")}\n`, { mode: 0o600 })
    const log = path.join(this.dir, "pod.log")
    const line = (stream: string, text: string) => `2026-01-01T00:00:00.0Z ${stream} F ${text}\n`
    writeFileSync(
      log,
      line("stdout", "starting the shop") + line("stderr", "KeyError: 'DATABASE_URL'"),
    )
    const stages = path.join(this.dir, "kwok.yaml")
    writeFileSync(stages, configuration(log))

    const etcd = `http://127.0.0.1:${client}`
    this.#run("etcd", {
      "data-dir": path.join(this.dir, "etcd"),
      "listen-client-urls": etcd,
      "advertise-client-urls": etcd,
      "listen-peer-urls": `http://127.0.0.1:${peer}`,
      "unsafe-no-fsync": "true",
      "log-level": "error",
    })
    this.#run("kube-apiserver", {
      "etcd-servers": etcd,
      "bind-address": "127.0.0.1",
      "advertise-address": "10.255.255.1",
      "endpoint-reconciler-type": "none",
      "secure-port": `${api}`,
      "cert-dir": certs,
      "token-auth-file": tokens,
      "authorization-mode": "RBAC",
      "service-account-issuer": "https://kubernetes.default.svc",
      "service-account-key-file": key,
      "service-account-signing-key-file": key,
      "service-cluster-ip-range": "10.254.0.0/16",
      // There are no tokens of accounts in pods that never run.
      "disable-admission-plugins": "ServiceAccount",
    })
    await until("kube-apiserver", () => existsSync(path.join(certs, "apiserver.crt")))
    this.#kubeconfig(this.admin, this.#admin)
    this.#kubeconfig(this.deployer, this.#deployer)
    await until("kube-apiserver", () => this.kubectl(["get", "--raw", "/readyz"]).then(() => true))
    this.#run("kube-controller-manager", {
      kubeconfig: this.admin,
      "service-account-private-key-file": key,
      // The node says once that it is there.
      "node-monitor-grace-period": "24h",
      "leader-elect": "false",
      "bind-address": "127.0.0.1",
      "secure-port": `${controllers}`,
      "cert-dir": path.join(this.dir, "controllers"),
    })
    this.#run("kube-scheduler", {
      kubeconfig: this.admin,
      "leader-elect": "false",
      "bind-address": "127.0.0.1",
      "secure-port": `${scheduler}`,
      "cert-dir": path.join(this.dir, "scheduler"),
    })
    await this.apply({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "node", annotations: { "kwok.x-k8s.io/node": "fake" } },
    })
    this.#run("kwok", {
      kubeconfig: this.admin,
      config: stages,
      "manage-all-nodes": "true",
      "node-ip": "127.0.0.1",
      "node-port": `${kubelet}`,
      "server-address": `127.0.0.1:${kubelet}`,
      "tls-cert-file": path.join(certs, "apiserver.crt"),
      "tls-private-key-file": path.join(certs, "apiserver.key"),
    })
    await until("the node", async () => {
      await this.kubectl(["get", "serviceaccount", "default"])
      const node = await this.get<{ status?: { conditions?: { type: string; status: string }[] } }>(
        "node/node",
      )
      return (node.status?.conditions ?? []).some(
        ({ type, status }) => type === "Ready" && status === "True",
      )
    })
  }

  #run(name: string, flags: Record<string, string>): void {
    const log = openSync(path.join(this.dir, `${name}.log`), "w")
    const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
    // They end with the test, however that ends.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", path.join(tools, name), ...words], {
      stdio: ["ignore", log, log],
      cwd: this.dir,
    })
    this.#processes.push(child)
  }

  #kubeconfig(file: string, token: string): void {
    const ca = readFileSync(path.join(this.dir, "certs", "apiserver.crt")).toString("base64")
    const server = `https://127.0.0.1:${this.#port}`
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "here", cluster: { server, "certificate-authority-data": ca } }],
      users: [{ name: "me", user: { token } }],
      contexts: [{ name: "here", context: { cluster: "here", user: "me", namespace: "default" } }],
      "current-context": "here",
    }
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  }
}

async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  let why = ""
  for (let tries = 0; tries < 600; tries++) {
    try {
      if (await done()) return
    } catch (error) {
      why = `: ${(error as Error).message}`
    }
    await sleep(200)
  }
  throw new Error(`${what} did not start${why}`)
}
