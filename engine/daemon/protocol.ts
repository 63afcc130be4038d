import type { TerminalMove } from "../buildkit/bridge-protocol.ts"
import type { SessionEvent } from "./api-contract.ts"

/** The control socket: one JSON object a line in both directions, told apart by `type`. */
export type ClientMessage =
  | {
      type: "open"
      cwd: string
      pid: number
      version: string
      /** Path of the client's engine bundle: an engine of another build gives way to it. */
      bundle: string
      /** The client's BUILDKIT_HOST, "" for none. */
      buildkitHost: string
    }
  | { type: "secret"; ask: number; value: string }
  | { type: "secret"; ask: number; error: string }
  /** The client's terminal is the container's from here on; or why it cannot be. */
  | { type: "terminal"; did: "open"; rows: number; cols: number; term: string }
  | { type: "terminal"; did: "refuse"; error: string }
  | { type: "terminal"; did: "move"; move: TerminalMove }
  | { type: "close" }
  | { type: "status" }
  | { type: "stop" }
  | { type: "prune"; all: boolean }

export type DaemonMessage =
  | { type: "session"; id: string; port: number; token: string }
  | { type: "error"; code: string; message: string; fix?: string | undefined }
  /** The engine ends when its sessions do; the client connects again when this connection closes. */
  | { type: "wait"; message: string }
  | SessionEvent
  | { type: "secret"; ask: number; uri: string }
  | { type: "terminal"; do: "open" }
  | { type: "terminal"; do: "show"; data: string }
  | { type: "terminal"; do: "close" }
  | { type: "closed" }
  | EngineStatus
  | { type: "stopped" }
  | { type: "pruned"; bytes: number }

/** Answer of `status`; sizes in bytes, times in milliseconds. */
export interface EngineStatus {
  type: "status"
  running: boolean
  state: string
  log: string
  pid?: number
  version?: string
  uptime?: number
  idleTimeout?: number
  sessions?: { id: string; cwd: string; pid: number; age: number }[]
  buildkit?: { running: boolean; version?: string; origin?: string; address?: string }
  store?: { bytes?: number; answers?: number; free: number }
  stats?: Record<string, unknown>
}
