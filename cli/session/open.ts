import { type OpenTerminal, openSession } from "../../engine/client.ts"
import type { Reporter } from "../output/reporter.ts"
import { setupReport } from "../output/setup.ts"
import type { Engine } from "./choose.ts"
import { resolveSecret } from "./secret.ts"
import { openTerminal } from "./terminal.ts"

/** A session for the SDK, which finds it by the environment. */
export interface Session {
  /** Resolves with the reason when the engine is gone before the session was closed. */
  lost: Promise<Error>
  /** Takes the terminal back, if a container has it. */
  restore(): void
  close(): Promise<void>
}

/** Opens a session with the embedded engine, or leaves that to the SDK for any other. */
export async function open(engine: Engine, reporter: Reporter, cwd: string): Promise<Session> {
  if (engine.kind === "dagger" && engine.cli) process.env._EXPERIMENTAL_DAGGER_CLI_BIN = engine.cli
  if (engine.kind !== "embedded") {
    if (engine.kind === "dagger") delete process.env.DAGGER_SESSION_PORT
    return { lost: new Promise(() => {}), restore: () => {}, close: async () => {} }
  }
  let terminal: OpenTerminal | undefined
  const { port, token, lost, close } = await openSession({
    cwd,
    onEvent: (event) => reporter.event(event),
    resolveSecret,
    openTerminal: (moves) => {
      terminal = openTerminal(moves, reporter)
      return terminal
    },
    report: setupReport(reporter),
  })
  process.env.DAGGER_SESSION_PORT = String(port)
  process.env.DAGGER_SESSION_TOKEN = token
  return { lost, restore: () => terminal?.close(), close }
}
