import { randomUUID } from "node:crypto"
import type { ClientTerminal } from "../daemon/api-contract.ts"
import { unsupported } from "./directory.ts"
import { EngineError } from "./errors.ts"
import { type StepSupport, stepOf } from "./execute.ts"
import { toParams } from "./params.ts"
import type { Asker, Solver } from "./solver.ts"
import type { Container } from "./values.ts"

export interface TerminalArgs {
  cmd?: string[] | null
  experimentalPrivilegedNesting?: boolean | null
  insecureRootCapabilities?: boolean | null
}

/** What a terminal needs beside the container that it is in. */
export interface TerminalOptions {
  asker: Asker
  solver: Solver
  support: StepSupport
  openTerminal(): Promise<ClientTerminal>
}

/** Runs a command in the container at the client's terminal, with all that a step would see. Nothing of it remains. */
export async function terminal(
  c: Container,
  args: TerminalArgs,
  { asker, solver, support, openTerminal }: TerminalOptions,
): Promise<void> {
  for (const name of ["experimentalPrivilegedNesting", "insecureRootCapabilities"] as const) {
    if (args[name]) throw new EngineError(unsupported(`terminal(${name})`))
  }
  const command = args.cmd?.length ? args.cmd : ["sh"]
  const { spec } = await stepOf(c, { args: command, expand: false }, support)
  const { mode: _, ...shim } = spec.shim
  const { targets, params } = toParams({ ...spec, shim: { mode: "terminal", ...shim } }, {})
  const step = { id: `terminal-${randomUUID()}`, name: "terminal" }
  const holds: (() => void)[] = []
  let client: ClientTerminal | undefined
  let started: number | undefined
  let error: Error | undefined
  try {
    for (const secret of spec.secrets) if (secret.hold) holds.push(await secret.hold())
    await solver.terminal(asker, targets, spec.secrets, async () => {
      const opened = await openTerminal()
      client = opened
      const { rows, cols } = opened
      started = Date.now()
      asker.progress.step({ ...step, status: "running", started })
      return {
        params: {
          ...params,
          ...(rows > 0 && cols > 0 && { rows, cols }),
          env: withTerm(params.env, opened.term),
          ...(spec.network === "host" && { entitlements: ["network.host"] }),
        },
        onEvent: (event) => {
          if (event.data !== undefined) opened.show(event.data)
        },
        moves: (handler) => opened.onMove(handler),
      }
    })
  } catch (thrown) {
    error = thrown instanceof Error ? thrown : new Error(String(thrown))
    throw error
  } finally {
    client?.close()
    for (const release of holds) release()
    if (started !== undefined) {
      asker.progress.step({
        ...step,
        status: error ? "failed" : "done",
        started,
        ended: Date.now(),
        ...(error && { error: error.message }),
      })
    }
  }
}

/** With the kind of the client's terminal, where the container says nothing of it. */
const withTerm = (env: string[], term: string): string[] =>
  env.some((e) => e.startsWith("TERM=")) || !/^[\w.+-]{1,64}$/.test(term)
    ? env
    : [...env, `TERM=${term}`]
