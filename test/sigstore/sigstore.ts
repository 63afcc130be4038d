import { type ChildProcess, spawn } from "node:child_process"
import { generateKeyPairSync, type KeyObject } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { ports } from "../ports.ts"
import { remove } from "../remove.ts"
import { type Claims, Issuer } from "./issuer.ts"
import { trustConfig } from "./trust.ts"

const NAMES = ["rekor", "fulcio", "timestamps", "ctlog"] as const
type Name = (typeof NAMES)[number]

/** Where what an instance is made of was built: test/sigstore/tools.mts. */
export const sigstoreTools = process.env.PYLINE_SIGSTORE ?? ""

export const hasSigstore =
  sigstoreTools !== "" && NAMES.every((name) => existsSync(path.join(sigstoreTools, name)))

/** Starts a Sigstore instance on loopback, which trusts an issuer of its own. */
export async function startSigstore(tools: string): Promise<Sigstore> {
  const sigstore = new Sigstore(tools, await Issuer.start())
  try {
    await sigstore.start()
  } catch (error) {
    await sigstore.stop()
    throw error
  }
  return sigstore
}

class Sigstore implements AsyncDisposable {
  /** What clients sign with and verify by: a ClientTrustConfig. */
  trustConfig = ""
  readonly #tools: string
  readonly #issuer: Issuer
  readonly #dir = mkdtempSync(path.join(tmpdir(), "pyline-sigstore-"))
  readonly #processes = new Map<Name, ChildProcess>()
  readonly #broom: ChildProcess

  constructor(tools: string, issuer: Issuer) {
    this.#tools = tools
    this.#issuer = issuer
    // Its input ends with this process, however that ends.
    this.#broom = spawn("sh", ["-c", 'read -r end; sleep 1; rm -rf "$0"', this.#dir], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    })
  }

  /** Who gives out identities; the issuer that certificates name. */
  get issuer(): string {
    return this.#issuer.url
  }

  /** A job's ACTIONS_ID_TOKEN_REQUEST_URL. */
  get tokenUrl(): string {
    return this.#issuer.tokenUrl
  }

  /** A job's ACTIONS_ID_TOKEN_REQUEST_TOKEN. */
  get tokenBearer(): string {
    return this.#issuer.tokenBearer
  }

  /** A token of a job of `me/app` on `main`, with other claims where they are given. */
  identityToken(claims: Claims = {}): string {
    return this.#issuer.token(claims)
  }

  async start(): Promise<void> {
    const [rekorPort = 0, rekorRpc, fulcioPort, fulcioRpc, timePort, ctPort] = await ports(6)
    const url = (port: number | undefined) => `http://127.0.0.1:${port}`
    const ctlog = { url: `${url(ctPort)}/log`, ...this.#key("ctlog") }
    const rekor = { url: url(rekorPort), ...this.#key("rekor") }
    const time = `${url(timePort)}/api/v1/timestamp`

    const storage = path.join(this.#dir, "log")
    mkdirSync(storage)
    this.#run("rekor", [
      "serve",
      "--http-address=127.0.0.1",
      `--http-port=${rekorPort}`,
      "--http-metrics-port=0",
      "--grpc-address=127.0.0.1",
      `--grpc-port=${rekorRpc}`,
      `--storage-dir=${storage}`,
      `--signer-filepath=${rekor.file}`,
      // Clients know it by the host of its URL.
      "--hostname=127.0.0.1",
      // Who asks for an entry waits for the next checkpoint.
      "--checkpoint-interval=200ms",
    ])
    this.#run("timestamps", [`-port=${timePort}`])
    const trusted = { IssuerURL: this.issuer, ClientID: "sigstore", Type: "github-workflow" }
    const config = this.#file("fulcio.json", { OIDCIssuers: { [this.issuer]: trusted } })
    this.#run("fulcio", [
      "serve",
      "--ca=ephemeralca",
      `--config-path=${config}`,
      "--host=127.0.0.1",
      `--port=${fulcioPort}`,
      "--grpc-host=127.0.0.1",
      `--grpc-port=${fulcioRpc}`,
      // Of all addresses: it cannot be told another.
      "--metrics-port=0",
      `--legacy-unix-domain-socket=${path.join(this.#dir, "fulcio.socket")}`,
      `--ct-log-url=${ctlog.url}`,
      `--ct-log-public-key-path=${ctlog.publicFile}`,
    ])
    const bundle = await this.#get("fulcio", `${url(fulcioPort)}/api/v2/trustBundle`)
    const { chains } = JSON.parse(bundle) as { chains: { certificates: string[] }[] }
    const fulcio = { url: url(fulcioPort), chain: chains[0]?.certificates.join("\n") ?? "" }
    this.#run("ctlog", [
      `-listen=127.0.0.1:${ctPort}`,
      `-key=${ctlog.file}`,
      `-roots=${this.#file("roots.pem", fulcio.chain)}`,
    ])
    const [chain] = await Promise.all([
      this.#get("timestamps", `${time}/certchain`),
      this.#get("ctlog", `${ctlog.url}/ct/v1/get-sth`),
      this.#get("rekor", `${rekor.url}/healthz`),
    ])
    const timestamps = { url: time, chain }
    const issuer = this.issuer
    this.trustConfig = JSON.stringify(trustConfig({ issuer, fulcio, ctlog, rekor, timestamps }))
  }

  /** Ends one of its services. */
  async end(name: Name): Promise<void> {
    const child = this.#processes.get(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGKILL")
    await gone
  }

  async stop(): Promise<void> {
    await Promise.all(NAMES.map((name) => this.end(name)))
    await this.#issuer.stop()
    await remove(this.#dir)
    this.#broom.kill("SIGKILL")
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #run(name: Name, words: string[]): void {
    const log = openSync(this.#log(name), "w")
    // They end with the test, however that ends.
    const command = ["--pdeathsig", "KILL", path.join(this.#tools, name), ...words]
    const child = spawn("setpriv", command, {
      stdio: ["ignore", log, log],
      cwd: this.#dir,
      env: { HOME: this.#dir, PATH: process.env.PATH },
    })
    this.#processes.set(name, child)
  }

  /** What is at an address of a service, as soon as it answers. */
  async #get(name: Name, url: string): Promise<string> {
    const child = this.#processes.get(name)
    let why = ""
    for (let tries = 0; tries < 1200 && child?.exitCode === null; tries++) {
      try {
        const answer = await fetch(url)
        const text = await answer.text()
        if (answer.ok) return text
        why = `${answer.status} ${text}`
      } catch (error) {
        why = String((error as Error).cause)
      }
      await sleep(100)
    }
    const log = readFileSync(this.#log(name), "utf8").slice(-4000)
    throw new Error(`${name} did not start (${why}):\n${log}`)
  }

  #log(name: Name): string {
    return path.join(this.#dir, `${name}.log`)
  }

  #file(name: string, content: string | object): string {
    const file = path.join(this.#dir, name)
    const text = typeof content === "string" ? content : JSON.stringify(content)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }

  /** A new key of a log, and its files. */
  #key(name: "ctlog" | "rekor"): { key: KeyObject; file: string; publicFile: string } {
    const pair =
      name === "rekor"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ec", { namedCurve: "P-256" })
    const { privateKey, publicKey: key } = pair
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString()
    const publicPem = key.export({ type: "spki", format: "pem" }).toString()
    return {
      key,
      file: this.#file(`${name}.key`, pem),
      publicFile: this.#file(`${name}.pub`, publicPem),
    }
  }
}
