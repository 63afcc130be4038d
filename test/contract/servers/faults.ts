import type { IncomingMessage, ServerResponse } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"

/** What a server does in place of the right answer. */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: string }
  /** Sends this many bytes of the right answer, then resets the connection. */
  | { resetAfter: number }
  /** Sends this many bytes of the right answer, then nothing more for so many milliseconds, then the rest. */
  | { stallAfter: number; ms: number }
  /** The right length, the wrong bytes. */
  | { corrupt: true }

interface Rule {
  matches(request: Asked): boolean
  fault: Fault | (() => Fault | undefined)
  left: number
}

export interface Asked {
  method: string
  path: string
  headers: IncomingMessage["headers"]
  /** When, in milliseconds since 1970. */
  at: number
}

/** The faults a server has been told to make, and everything that it was asked. */
export class Script {
  readonly asked: Asked[] = []
  #rules: Rule[] = []

  /** Answers the next `times` requests that match with a fault. */
  fail(matches: string | RegExp, fault: Rule["fault"], times = Number.POSITIVE_INFINITY): void {
    // `GET /v2/name/blobs/…`
    const is = (line: string) =>
      typeof matches === "string" ? line.startsWith(matches) : matches.test(line)
    this.#rules.push({ matches: (a) => is(`${a.method} ${a.path}`), fault, left: times })
  }

  /** From here on all is well, and nothing was asked yet. */
  reset(): void {
    this.#rules = []
    this.asked.length = 0
  }

  count(matches: RegExp): number {
    return this.asked.filter((a) => matches.test(`${a.method} ${a.path}`)).length
  }

  /** Notes the request; the fault it meets, if any. */
  meet(request: IncomingMessage): Fault | undefined {
    const { method = "", url: path = "", headers } = request
    const asked = { method, path, headers, at: Date.now() }
    this.asked.push(asked)
    const rule = this.#rules.find((r) => r.left > 0 && r.matches(asked))
    if (rule) rule.left--
    return typeof rule?.fault === "function" ? rule.fault() : rule?.fault
  }
}

/** Sends an answer, or what a fault makes of it. */
export async function send(
  response: ServerResponse,
  answer: { status: number; headers?: Record<string, string>; body?: Buffer },
  fault?: Fault,
): Promise<void> {
  if (fault && "status" in fault) {
    response.writeHead(fault.status, fault.headers).end(fault.body ?? "")
    return
  }
  let body = answer.body ?? Buffer.alloc(0)
  response.writeHead(answer.status, { "content-length": String(body.length), ...answer.headers })
  if (fault && "corrupt" in fault) {
    body = Buffer.from(body)
    body.writeUInt8((body.readUInt8(body.length - 1) + 1) % 256, body.length - 1)
  }
  if (fault && "resetAfter" in fault) {
    response.write(body.subarray(0, fault.resetAfter))
    await sleep(50)
    response.socket?.resetAndDestroy()
    return
  }
  if (fault && "stallAfter" in fault) {
    response.write(body.subarray(0, fault.stallAfter))
    await sleep(fault.ms)
    body = body.subarray(fault.stallAfter)
  }
  response.end(body)
}
