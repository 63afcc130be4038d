import { createHash, randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { type Fault, Script, send } from "./faults.ts"
import type { Image } from "./image.ts"

/** What the registry has been given of one repository. */
interface Repository {
  manifests: Map<string, { type: string; body: Buffer }>
  blobs: Map<string, Buffer>
}

export const digestOf = (data: Buffer): string =>
  `sha256:${createHash("sha256").update(data).digest("hex")}`

const ROUTE = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/(.*?)(?:\?(.*))?$/

/** A registry on loopback that keeps everything in memory and fails as it is told to. */
export class Registry {
  readonly script = new Script()
  readonly repositories = new Map<string, Repository>()
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy())
  })
  readonly #uploads = new Map<string, Buffer[]>()
  #port = 0
  /** User name and password that every request needs, when set. */
  login: { username: string; password: string } | undefined
  /** The login is exchanged for a token, as at Docker Hub and GitHub; each is good for so many requests. */
  tokens: { uses: number } | undefined
  /** It lists what refers to a manifest, as registries since the specification's 1.1 do. */
  referrers = false
  /** Tags can be taken away. */
  untags = false
  /** Bytes of blobs and manifests that were uploaded. */
  received = 0
  readonly #tokens = new Map<string, { scope: string; left: number }>()

  static async start(): Promise<Registry> {
    const registry = new Registry()
    await registry.up()
    return registry
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Listens, at the port that it had before. */
  async up(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Goes away: connections are refused. */
  async down(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Takes an image; the reference to pull it by. */
  add(name: string, tag: string, image: Image): string {
    const repository = this.#repository(name)
    for (const blob of [image.config, ...image.layers]) repository.blobs.set(digestOf(blob), blob)
    const manifest = { type: image.type, body: image.manifest }
    repository.manifests.set(tag, manifest)
    repository.manifests.set(digestOf(image.manifest), manifest)
    return `${this.host}/${name}:${tag}`
  }

  #repository(name: string): Repository {
    const known = this.repositories.get(name) ?? { manifests: new Map(), blobs: new Map() }
    this.repositories.set(name, known)
    return known
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.script.meet(request)
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    this.received += body.length
    if (request.url?.startsWith("/token?")) return this.#token(request, response, fault)
    if (!this.#isLoggedIn(request)) {
      const realm = this.tokens ? `Bearer realm="http://${this.host}/token",service="here"` : ""
      const headers = { "www-authenticate": realm || 'Basic realm="here"' }
      return send(response, { status: 401, headers, body: Buffer.from("{}") }, fault)
    }
    const [, name = "", kind, what = "", query = ""] = ROUTE.exec(request.url ?? "") ?? []
    if (request.url?.startsWith("/v2/") && !kind) return send(response, { status: 200 }, fault)
    const repository = this.#repository(name)
    if (kind === "manifests")
      return this.#manifest(request, response, repository, what, body, fault)
    if (kind === "referrers") return this.#referrers(response, repository, what, fault)
    const [mount, from] = ["mount", "from"].map(
      (name) => new URLSearchParams(query).get(name) ?? "",
    )
    const mounted = this.repositories.get(from ?? "")?.blobs.get(mount ?? "")
    if (request.method === "POST" && mounted) {
      repository.blobs.set(mount ?? "", mounted)
      return send(response, { status: 201, headers: { location: `/v2/${name}/blobs/${mount}` } })
    }
    if (request.method === "DELETE" && what.startsWith("uploads/")) {
      this.#uploads.delete(what.slice(8))
      return send(response, { status: 204 }, fault)
    }
    if (what.startsWith("uploads/"))
      return this.#upload(request, response, { name, id: what.slice(8), query, body }, fault)
    const blob = repository.blobs.get(what)
    if (!blob) return send(response, { status: 404, body: errors("BLOB_UNKNOWN") }, fault)
    return this.#blob(request, response, what, blob, fault)
  }

  #isLoggedIn(request: IncomingMessage): boolean {
    if (!this.login && !this.tokens) return true
    const [kind, value = ""] = (request.headers.authorization ?? "").split(" ")
    if (!this.tokens) return kind === "Basic" && value === this.#basic
    const token = kind === "Bearer" ? this.#tokens.get(value) : undefined
    if (!token || token.left-- <= 0) return false
    const [, name = ""] = ROUTE.exec(request.url ?? "") ?? []
    const asked = ["GET", "HEAD"].includes(request.method ?? "") ? "pull" : "push"
    return token.scope
      .split(" ")
      .some((scope) => scope.startsWith(`repository:${name}:`) && scope.includes(asked))
  }

  get #basic(): string {
    const { username, password } = this.login ?? { username: "", password: "" }
    return Buffer.from(`${username}:${password}`).toString("base64")
  }

  #token(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined) {
    if (this.login && request.headers.authorization !== `Basic ${this.#basic}`)
      return send(response, { status: 401, body: errors("UNAUTHORIZED") }, fault)
    const token = randomUUID()
    const scopes = new URL(request.url ?? "", "http://here").searchParams.getAll("scope")
    this.#tokens.set(token, { scope: scopes.join(" "), left: this.tokens?.uses ?? 0 })
    return send(response, { status: 200, body: Buffer.from(JSON.stringify({ token })) }, fault)
  }

  #referrers(
    response: ServerResponse,
    { manifests }: Repository,
    digest: string,
    fault: Fault | undefined,
  ): Promise<void> {
    if (!this.referrers) return send(response, { status: 404, body: errors("NOT_FOUND") }, fault)
    const found = [...manifests]
      .filter(([reference]) => reference.startsWith("sha256:"))
      .map(([, { type, body }]) => ({ type, body, document: JSON.parse(body.toString()) }))
      .filter(({ document }) => document.subject?.digest === digest)
      .map(({ type, body, document }) => ({
        mediaType: type,
        digest: digestOf(body),
        size: body.length,
        artifactType: document.artifactType,
      }))
    const index = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: found,
    }
    const headers = { "content-type": index.mediaType }
    return send(response, { status: 200, headers, body: Buffer.from(JSON.stringify(index)) }, fault)
  }

  #manifest(
    request: IncomingMessage,
    response: ServerResponse,
    { manifests, blobs }: Repository,
    reference: string,
    body: Buffer,
    fault: Fault | undefined,
  ): Promise<void> {
    if (request.method === "PUT") {
      if (fault) return send(response, { status: 500 }, fault)
      const digest = digestOf(body)
      const { config, layers = [], subject } = JSON.parse(body.toString())
      const missing = [config, ...layers].find((d) => d && !blobs.has(d.digest))
      if (missing) return send(response, { status: 400, body: errors("MANIFEST_BLOB_UNKNOWN") })
      const made = { type: request.headers["content-type"] ?? "", body }
      manifests.set(reference, made)
      manifests.set(digest, made)
      const headers = {
        "docker-content-digest": digest,
        ...(this.referrers && subject ? { "oci-subject": subject.digest } : {}),
      }
      return send(response, { status: 201, headers })
    }
    if (request.method === "DELETE") {
      if (!this.untags) return send(response, { status: 405, body: errors("UNSUPPORTED") }, fault)
      return send(response, { status: manifests.delete(reference) ? 202 : 404 }, fault)
    }
    const found = manifests.get(reference)
    if (!found) return send(response, { status: 404, body: errors("MANIFEST_UNKNOWN") }, fault)
    const headers = {
      "content-type": found.type,
      "content-length": String(found.body.length),
      "docker-content-digest": digestOf(found.body),
    }
    const head = request.method === "HEAD"
    return send(response, { status: 200, headers, ...(head ? {} : { body: found.body }) }, fault)
  }

  #blob(
    request: IncomingMessage,
    response: ServerResponse,
    digest: string,
    blob: Buffer,
    fault: Fault | undefined,
  ): Promise<void> {
    const headers = { "content-type": "application/octet-stream", "docker-content-digest": digest }
    if (request.method === "HEAD") {
      const length = { ...headers, "content-length": String(blob.length) }
      return send(response, { status: 200, headers: length }, fault)
    }
    const [, from] = /^bytes=(\d+)-/.exec(request.headers.range ?? "") ?? []
    if (from === undefined) return send(response, { status: 200, headers, body: blob }, fault)
    const range = { "content-range": `bytes ${from}-${blob.length - 1}/${blob.length}` }
    const rest = { status: 206, headers: { ...headers, ...range }, body: blob.subarray(+from) }
    return send(response, rest, fault)
  }

  #upload(
    request: IncomingMessage,
    response: ServerResponse,
    { name, id, query, body }: { name: string; id: string; query: string; body: Buffer },
    fault: Fault | undefined,
  ): Promise<void> {
    if (fault) return send(response, { status: 500 }, fault)
    const upload = id || randomUUID()
    const parts = this.#uploads.get(upload) ?? []
    this.#uploads.set(upload, parts)
    if (body.length > 0) parts.push(body)
    const location = { location: `/v2/${name}/blobs/uploads/${upload}` }
    if (request.method !== "PUT") return send(response, { status: 202, headers: location })
    const blob = Buffer.concat(parts)
    this.#uploads.delete(upload)
    const digest = new URLSearchParams(query).get("digest") ?? ""
    if (digestOf(blob) !== digest)
      return send(response, { status: 400, body: errors("DIGEST_INVALID") })
    this.#repository(name).blobs.set(digest, blob)
    return send(response, { status: 201, headers: { "docker-content-digest": digest } })
  }
}

const errors = (code: string): Buffer => Buffer.from(JSON.stringify({ errors: [{ code }] }))
