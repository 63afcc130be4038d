import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export type Claims = Record<string, unknown>

const repository = "me/app"
const ref = "refs/heads/main"
const sha = createHash("sha1").update(repository).digest("hex")
const workflow = `${repository}/.github/workflows/ci.yml@${ref}`

/** What GitHub says of a job. */
const job: Claims = {
  sub: `repo:${repository}:ref:${ref}`,
  actor: "me",
  event_name: "push",
  job_workflow_ref: workflow,
  job_workflow_sha: sha,
  ref,
  ref_type: "branch",
  repository,
  repository_id: "1",
  repository_owner: "me",
  repository_owner_id: "2",
  repository_visibility: "public",
  run_attempt: "1",
  run_id: "7",
  runner_environment: "github-hosted",
  sha,
  workflow: "ci",
  workflow_ref: workflow,
  workflow_sha: sha,
}

/** Gives identities to jobs, as GitHub does. */
export class Issuer {
  /** What a job shows for a token. */
  readonly tokenBearer = randomUUID()
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 })
  readonly #server: Server = createServer((request, response) => this.#answer(request, response))

  static async start(): Promise<Issuer> {
    const issuer = new Issuer()
    await new Promise<void>((resolve, reject) => {
      issuer.#server.once("error", reject)
      issuer.#server.listen(0, "127.0.0.1", resolve)
    })
    return issuer
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Where a job asks for a token; `audience` is added to it. */
  get tokenUrl(): string {
    return `${this.url}/token?api-version=2.0`
  }

  /** A token of the job, with other claims where they are given. */
  token(claims: Claims = {}): string {
    const now = Math.floor(Date.now() / 1000)
    const times = { iat: now, nbf: now, exp: now + 600 }
    const said = { iss: this.url, aud: "sigstore", jti: randomUUID(), ...times, ...job, ...claims }
    const header = { alg: "RS256", typ: "JWT", kid: "key" }
    const text = [header, said]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".")
    const signature = sign("sha256", Buffer.from(text), this.#keys.privateKey)
    return `${text}.${signature.toString("base64url")}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url)
    const send = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json" })
      response.end(JSON.stringify(body))
    }
    if (pathname === "/.well-known/openid-configuration")
      send(200, {
        issuer: this.url,
        jwks_uri: `${this.url}/keys`,
        authorization_endpoint: `${this.url}/nobody`,
        token_endpoint: `${this.url}/nobody`,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
      })
    else if (pathname === "/keys")
      send(200, {
        keys: [
          {
            ...this.#keys.publicKey.export({ format: "jwk" }),
            kid: "key",
            use: "sig",
            alg: "RS256",
          },
        ],
      })
    else if (pathname !== "/token") send(404, { message: "not found" })
    else if (request.headers.authorization?.toLowerCase() !== `bearer ${this.tokenBearer}`)
      send(401, { message: "not a job's" })
    else send(200, { value: this.token({ aud: searchParams.get("audience") ?? this.url }) })
  }
}
