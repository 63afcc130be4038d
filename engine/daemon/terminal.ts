import type { TerminalMove } from "../buildkit/bridge-protocol.ts"
import type { ClientTerminal } from "./api-contract.ts"
import type { ClientMessage, DaemonMessage } from "./protocol.ts"

type Answer = ClientMessage & { type: "terminal" }

interface Taken {
  resolve(terminal: ClientTerminal): void
  reject(error: Error): void
  onMove?: (move: TerminalMove) => void
  /** What was done before anybody asked for it. */
  early: TerminalMove[]
}

/** The terminal of one client, which one container has at a time. */
export class Terminals {
  readonly #send: (message: DaemonMessage) => void
  #taken: Taken | undefined
  #free: Promise<void> = Promise.resolve()
  #over = false

  constructor(send: (message: DaemonMessage) => void) {
    this.#send = send
  }

  /** Waits for its turn, then asks the client. */
  async open(): Promise<ClientTerminal> {
    const turn = this.#free
    let release = () => {}
    this.#free = new Promise((resolve) => {
      release = resolve
    })
    await turn
    try {
      const terminal = await new Promise<ClientTerminal>((resolve, reject) => {
        if (this.#over) return reject(new Error("the session is closed"))
        this.#taken = { resolve, reject, early: [] }
        this.#send({ type: "terminal", do: "open" })
      })
      return {
        ...terminal,
        close: () => {
          terminal.close()
          release()
        },
      }
    } catch (error) {
      release()
      throw error
    }
  }

  /** What the client says of its terminal. */
  answer(message: Answer): void {
    const taken = this.#taken
    if (!taken) return
    switch (message.did) {
      case "open": {
        const { rows, cols, term } = message
        taken.resolve({
          rows: Number(rows) || 0,
          cols: Number(cols) || 0,
          term: String(term),
          onMove: (handler) => {
            taken.onMove = handler
            for (const move of taken.early.splice(0)) handler(move)
          },
          show: (data) => this.#send({ type: "terminal", do: "show", data }),
          close: () => {
            this.#taken = undefined
            this.#send({ type: "terminal", do: "close" })
          },
        })
        return
      }
      case "refuse":
        this.#taken = undefined
        taken.reject(new Error(String(message.error)))
        return
      case "move":
        if (taken.onMove) taken.onMove(message.move)
        else taken.early.push(message.move)
    }
  }

  over(): void {
    this.#over = true
    this.#taken?.reject(new Error("the session is closed"))
    this.#taken = undefined
  }
}
