import type { SessionEvent } from "../../engine/daemon/api-contract.ts"
import type { SetupEvent } from "../../engine/setup/report.ts"

/** Set-up shown in the way of the steps of a session. */
export function setupEvents(event: SetupEvent): SessionEvent[] {
  const id = `setup ${event.step}`
  const step = { type: "step", id, name: event.step } as const
  const now = Date.now()
  const since = { started: now - (event.seconds ?? 0) * 1000, ended: now }
  const log = (text: string | undefined): SessionEvent[] =>
    text ? [{ type: "log", id, stream: 2, data: `${text}\n` }] : []
  switch (event.status) {
    case "running":
      return [{ ...step, status: "running" }, ...log(event.detail)]
    case "done":
      return [...log(event.detail), { ...step, ...since, status: "done" }]
    case "skipped":
      return [{ ...step, ...since, status: "cached" }]
    case "failed": {
      const error = event.detail ?? "failed"
      return [
        { ...step, ...since, status: "failed", error },
        ...(event.fix
          ? [{ type: "message", level: "warn", text: `fix: ${event.fix}` } as const]
          : []),
      ]
    }
  }
}
