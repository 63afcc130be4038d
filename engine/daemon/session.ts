import { randomBytes, randomUUID } from "node:crypto"
import type { SessionEvent } from "./api-contract.ts"
import type { Connection } from "./connection.ts"
import { Terminals } from "./terminal.ts"

const mostBacklog = 16 << 20

/** One client's work. It lives as long as the client's connection. */
export class Session {
  readonly id = randomUUID()
  readonly token = randomBytes(32).toString("hex")
  readonly opened = Date.now()
  readonly cwd: string
  readonly pid: number
  readonly terminals: Terminals
  readonly #connection: Connection
  readonly #asked = new Map<number, { resolve(value: Buffer): void; reject(error: Error): void }>()
  #asks = 0
  #dropped = 0
  #over = false

  constructor(connection: Connection, cwd: string, pid: number) {
    this.#connection = connection
    this.terminals = new Terminals((message) => connection.send(message))
    this.cwd = cwd
    this.pid = pid
  }

  /**
   * Tells the client. Output that it does not read in time is left out, not piled up: the whole
   * output of a step is kept with its result.
   */
  emit(event: SessionEvent): void {
    if (event.type === "log" && this.#connection.backlog > mostBacklog) {
      this.#dropped += Buffer.byteLength(event.data)
      return
    }
    if (this.#dropped > 0) {
      const text = `${this.#dropped} bytes of output are not shown: they came faster than they were read.`
      this.#dropped = 0
      this.#connection.send({ type: "message", level: "warn", text })
    }
    this.#connection.send(event)
  }

  /** Asks the client for a secret. The value is never kept here. */
  askSecret(uri: string): Promise<Buffer> {
    if (this.#over) return Promise.reject(new Error("the session is closed"))
    const ask = ++this.#asks
    return new Promise((resolve, reject) => {
      this.#asked.set(ask, { resolve, reject })
      this.#connection.send({ type: "secret", ask, uri })
    })
  }

  answerSecret(ask: number, answer: { value?: unknown; error?: unknown }): void {
    const asked = this.#asked.get(ask)
    this.#asked.delete(ask)
    if (typeof answer.value === "string") asked?.resolve(Buffer.from(answer.value, "base64"))
    else asked?.reject(new Error(String(answer.error ?? "the client gave no value")))
  }

  over(): void {
    this.#over = true
    this.terminals.over()
    for (const { reject } of this.#asked.values()) reject(new Error("the session is closed"))
    this.#asked.clear()
  }

  /** Says goodbye to the client and hangs up. */
  end(message: Parameters<Connection["end"]>[0]): void {
    this.#connection.end(message)
  }
}
