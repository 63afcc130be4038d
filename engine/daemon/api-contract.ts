import type { Bridge } from "../buildkit/bridge.ts"
import type { TerminalMove } from "../buildkit/bridge-protocol.ts"
import type { ServiceNetwork } from "../buildkit/network.ts"
import type { EngineConfig } from "../setup/config.ts"

/** What a session tells its client while it works. */
export type SessionEvent =
  | {
      type: "step"
      id: string
      name: string
      status: "running" | "done" | "cached" | "failed" | "canceled"
      started?: number
      ended?: number
      error?: string
    }
  | { type: "log"; id: string; stream: 1 | 2; data: string }
  | { type: "message"; level: "info" | "warn"; text: string }

/** The terminal that a client sits at. */
export interface ClientTerminal {
  rows: number
  cols: number
  /** What kind it is, as in the variable of that name; "" for unknown. */
  term: string
  /** Hands over what is done at it from now on. */
  onMove(handler: (move: TerminalMove) => void): void
  /** Shows output, base64. */
  show(data: string): void
  /** Gives it back to the client. */
  close(): void
}

/** What the daemon gives to the API server. */
export interface ApiDeps {
  /** The bridge to BuildKit, which is started at the first call. Ask each time: it may have been replaced. */
  bridge(): Promise<Bridge>
  /** Read anew at each call: set-up may have changed it. */
  config(): EngineConfig
  /** Where services have their addresses. Absent: BuildKit is not the daemon's own. */
  network?(): Promise<ServiceNetwork>
  stateDir: string
  /** Path of the static binary that runs the commands of exec steps. */
  shim(): string
  emit(sessionId: string, event: SessionEvent): void
  /** Asks the client of a session for a secret; rejects when the client has none or is gone. */
  askSecret(sessionId: string, uri: string): Promise<Buffer>
  /** Takes the terminal of a session's client; rejects when it has none or is gone. One at a time: others wait. */
  openTerminal(sessionId: string): Promise<ClientTerminal>
}

export interface ApiSession {
  id: string
  cwd: string
  token: string
}

/** The GraphQL server as the daemon sees it. */
export interface ApiServer {
  port: number
  openSession(session: ApiSession): void
  /** Cancels what the session runs; resolves when nothing of it runs any more. */
  closeSession(id: string): Promise<void>
  stats(): Record<string, unknown>
  /** Bytes on disk of what is known without asking BuildKit. */
  answersSize(): Promise<number>
  prune(all: boolean): Promise<{ bytes: number }>
  close(): Promise<void>
}

export type StartApi = (deps: ApiDeps) => Promise<ApiServer>
