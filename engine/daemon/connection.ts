import type { Socket } from "node:net"
import { LineSplitter } from "./lines.ts"
import type { ClientMessage, DaemonMessage } from "./protocol.ts"

// Secrets are the only large thing a client sends.
const longestLine = 16 << 20

/** One client on the control socket. */
export class Connection {
  readonly #socket: Socket

  constructor(socket: Socket, onMessage: (message: ClientMessage) => void, onClose: () => void) {
    this.#socket = socket
    const lines = new LineSplitter((line) => {
      const message = parse(line)
      if (message) onMessage(message)
      else this.refuse("a line on the control socket is not a JSON object with a type")
    }, longestLine)
    socket.on("data", (chunk) => {
      try {
        lines.push(chunk)
      } catch (error) {
        this.refuse(String(error))
      }
    })
    socket.on("error", () => socket.destroy())
    socket.on("close", onClose)
  }

  send(message: DaemonMessage): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`)
  }

  /** Bytes that the client has not taken yet. */
  get backlog(): number {
    return this.#socket.writableLength
  }

  end(message?: DaemonMessage): void {
    if (message) this.send(message)
    this.#socket.end()
  }

  refuse(message: string): void {
    this.end({ type: "error", code: "BAD_MESSAGE", message })
  }
}

function parse(line: string): ClientMessage | undefined {
  try {
    const value = JSON.parse(line)
    return typeof value === "object" && typeof value?.type === "string" ? value : undefined
  } catch {
    return undefined
  }
}
