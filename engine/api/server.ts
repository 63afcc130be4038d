import { randomBytes, timingSafeEqual } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import type { ApiDeps, ApiServer } from "../daemon/api-contract.ts"
import { log } from "../daemon/log.ts"
import { Images } from "../graph/images.ts"
import { Mask } from "../graph/mask.ts"
import { Progress } from "../graph/progress.ts"
import { bridgeBeside, makeLayout } from "../graph/shim.ts"
import { Solver } from "../graph/solver.ts"
import { HostReader } from "../host/reader.ts"
import { Memo } from "../store/memo.ts"
import { type Engine, Session } from "./context.ts"
import { execute } from "./query.ts"
import { stepSupport } from "./steps.ts"

/** When answers that are kept on disk are looked through, in milliseconds. */
const SWEEP_AFTER = 20_000
const SWEEP_EVERY = 60 * 60_000

/** Requests carry whole files (`withNewFile`), but not more than this. */
const LARGEST_BODY = 64 << 20

/**
 * Serves the Dagger API on 127.0.0.1, to the sessions that were opened and to nobody else: the
 * token must be right, the `Host` must be loopback (DNS rebinding), and a request that a web page
 * could send (an `Origin`, a simple content type) is refused.
 */
export async function startApi(deps: ApiDeps): Promise<ApiServer> {
  const memo = new Memo(path.join(deps.stateDir, "memo"))
  // Soon, and now and then: a run is not to wait for it.
  const sweep = () =>
    void memo.sweep().catch((error: Error) => log(`answers could not be swept: ${error.message}`))
  const sweeps = [setTimeout(sweep, SWEEP_AFTER), setInterval(sweep, SWEEP_EVERY)]
  for (const timer of sweeps) timer.unref()
  const temporary = path.join(deps.stateDir, "uploads")
  // Lists of files that an engine before this one was sending.
  rmSync(temporary, { recursive: true, force: true })
  const host = new HostReader({ cacheFile: path.join(deps.stateDir, "host-cache") })
  let asked = 0
  const bridge = () => {
    asked++
    return deps.bridge()
  }
  // What an earlier engine left there belongs to sessions that are over.
  rmSync(temporary, { recursive: true, force: true })
  const steps = stepSupport(deps)
  const engine: Engine = {
    host,
    images: new Images(bridge, () => deps.config(), memo),
    network: async () =>
      (await deps.network?.()) ?? { kind: "host", why: "BuildKit is not the engine's own" },
    takenPorts: new Map(),
    salt: readSalt(path.join(deps.stateDir, "salt")),
    steps,
    temporary,
    unpack: (archive, dir) => makeLayout(bridgeBeside(deps.shim()), ["--archive", archive], dir),
    solver: new Solver({
      bridge,
      memo,
      temporary,
      shim: async () => (await steps()).shim,
    }),
  }
  const sessions = new Map<string, Session>()
  const server = createServer((request, response) => {
    answer(request, response, sessions).catch((error: Error) => {
      send(response, 500, { errors: [{ message: error.message }] })
    })
  })
  server.requestTimeout = 0
  // A client that did something else for a while must not find its connection closed.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    openSession({ id, cwd, token }) {
      const mask = new Mask()
      const progress = new Progress((event) => deps.emit(id, mask.event(event)))
      const askSecret = async (uri: string) => {
        const value = await deps.askSecret(id, uri)
        mask.add(value)
        return value
      }
      const openTerminal = () => deps.openTerminal(id)
      const own = { id, cwd, token, engine, progress, mask, askSecret, openTerminal }
      sessions.set(id, new Session(own))
    },
    async closeSession(id) {
      const session = sessions.get(id)
      sessions.delete(id)
      await session?.close()
      // A killed engine saves nothing: what was hashed for a session is kept when it ends.
      if (sessions.size === 0) await host.save()
    },
    // How often BuildKit was asked for anything: an unchanged run adds nothing to it.
    stats: () => ({ sessions: sessions.size, asked }),
    answersSize: () => memo.size(),
    async prune(all) {
      memo.clear()
      const bridge = await deps.bridge()
      const { bytes } = await bridge.prune({ all })
      return { bytes }
    },
    async close() {
      for (const timer of sweeps) clearTimeout(timer)
      await Promise.all([...sessions.values()].map((s) => s.close()))
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function readSalt(file: string): Buffer {
  if (!existsSync(file)) {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, randomBytes(32), { mode: 0o600 })
  }
  return readFileSync(file)
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  sessions: Map<string, Session>,
): Promise<void> {
  const refusal = refuse(request)
  if (refusal) return send(response, refusal.status, { errors: [{ message: refusal.message }] })
  const session = authenticate(request, sessions)
  if (!session) {
    response.setHeader("WWW-Authenticate", "Basic")
    return send(response, 401, { errors: [{ message: "unauthorized" }] })
  }
  const body = await readBody(request)
  if (body === null) {
    // What is still on its way is not read: the connection is of no more use.
    response.setHeader("Connection", "close")
    return send(response, 413, { errors: [{ message: "request too large" }] })
  }
  let parsed: { query?: unknown; variables?: unknown; operationName?: unknown }
  try {
    parsed = JSON.parse(body)
  } catch {
    return send(response, 400, { errors: [{ message: "the request is not JSON" }] })
  }
  if (typeof parsed?.query !== "string") {
    return send(response, 400, { errors: [{ message: "the request has no query" }] })
  }
  const variables = parsed.variables as Record<string, unknown> | null | undefined
  send(response, 200, await session.track(execute(session, parsed.query, variables)))
}

/** Why a request is refused before anybody looks at who sent it. */
function refuse(request: IncomingMessage): { status: number; message: string } | null {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "")
  if (!["127.0.0.1", "localhost", "[::1]"].includes(host)) {
    return { status: 403, message: "the Host header must be loopback" }
  }
  if (request.headers.origin !== undefined) {
    return { status: 403, message: "requests from web pages are refused" }
  }
  if (request.url !== "/query") return { status: 404, message: "not found" }
  if (request.method !== "POST") return { status: 405, message: "only POST is answered" }
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) {
    return { status: 415, message: "the content type must be application/json" }
  }
  return null
}

function authenticate(request: IncomingMessage, sessions: Map<string, Session>): Session | null {
  const [scheme, credentials = ""] = (request.headers.authorization ?? "").split(" ")
  if (scheme?.toLowerCase() !== "basic") return null
  const given = Buffer.from(
    Buffer.from(credentials, "base64").toString("utf8").replace(/:$/, ""),
    "utf8",
  )
  let found: Session | null = null
  // Every session is compared, whatever was found: the time tells nothing.
  for (const session of sessions.values()) {
    if (given.length === session.token.length && timingSafeEqual(given, session.token)) {
      found = session
    }
  }
  return found
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  if (Number(request.headers["content-length"]) > LARGEST_BODY) return null
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LARGEST_BODY) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return
  const text = JSON.stringify(body)
  response.writeHead(status, {
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
  })
  response.end(text)
}
