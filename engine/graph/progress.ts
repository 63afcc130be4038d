import type { SolveEvent } from "../buildkit/bridge-protocol.ts"
import type { SessionEvent } from "../daemon/api-contract.ts"
import type { Vertex } from "../llb/vertex.ts"

/** Tells one session what happens, a step at a time. */
export class Progress {
  readonly #emit: (event: SessionEvent) => void
  readonly #told = new Set<string>()
  /** Steps that were said to run, and not yet to have ended. */
  readonly #running = new Set<string>()
  readonly #partial = new Map<string, Uint8Array>()

  constructor(emit: (event: SessionEvent) => void) {
    this.#emit = emit
  }

  /** A step whose result was known before anybody was asked. */
  known(vertex: Vertex): void {
    if (this.#told.has(vertex.digest)) return
    this.#told.add(vertex.digest)
    const now = Date.now()
    this.#emit({
      type: "step",
      id: vertex.digest,
      name: vertex.name,
      status: "cached",
      started: now,
      ended: now,
    })
  }

  /** Something that is no step of a solve: a service. */
  step(event: Omit<SessionEvent & { type: "step" }, "type">): void {
    this.#emit({ type: "step", ...event })
  }

  message(text: string): void {
    this.#emit({ type: "message", level: "info", text })
  }

  log(id: string, stream: 1 | 2, data: string): void {
    this.#emit({ type: "log", id, stream, data: this.#text(`${id}${stream}`, data) })
  }

  solveEvent(event: SolveEvent, byDigest: Map<string, Vertex>): void {
    if (event.log) {
      const { digest, stream, data } = event.log
      if (!byDigest.get(digest)?.exec) return
      this.log(digest, stream, data)
      return
    }
    const seen = event.vertex
    const vertex = seen && byDigest.get(seen.digest)
    if (!seen || !vertex || !isWorthTelling(vertex)) return
    if (!seen.completed) {
      if (!seen.started) return
      this.#told.add(vertex.digest)
      this.#running.add(vertex.digest)
      this.#emit({
        type: "step",
        id: vertex.digest,
        name: vertex.name,
        status: "running",
        started: seen.started,
      })
      return
    }
    const started = seen.started ?? seen.completed
    const wasRunning = this.#running.delete(vertex.digest)
    // Two solves that have a step in common: to the one that came second it ends as a cached one.
    if (seen.cached && !wasRunning && this.#told.has(vertex.digest)) return
    this.#told.add(vertex.digest)
    this.#emit({
      type: "step",
      id: vertex.digest,
      name: vertex.name,
      status: seen.error
        ? /context canceled/.test(seen.error)
          ? "canceled"
          : "failed"
        : seen.cached
          ? "cached"
          : "done",
      started,
      ended: seen.completed,
      ...(seen.error && { error: seen.error }),
    })
  }

  /** UTF-8 text of a chunk; a character cut in two waits for its rest. */
  #text(stream: string, base64: string): string {
    const before = this.#partial.get(stream)
    const data = Buffer.concat([before ?? Buffer.alloc(0), Buffer.from(base64, "base64")])
    const end = completeUtf8(data)
    this.#partial.set(stream, data.subarray(end))
    return data.toString("utf8", 0, end)
  }
}

/** Length of the part of `data` that does not end within a character. */
function completeUtf8(data: Buffer): number {
  for (let back = 1; back <= Math.min(3, data.length); back++) {
    const byte = data[data.length - back] as number
    if (byte < 0x80) return data.length
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return length > back ? data.length - back : data.length
    }
  }
  return data.length
}

/** Small file operations are not what a person waits for. */
const isWorthTelling = (v: Vertex): boolean =>
  v.exec !== undefined || /^(pull|upload|image) /.test(v.name)
