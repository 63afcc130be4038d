import type { SessionEvent } from "../../engine/daemon/api-contract.ts"
import type { Report, SetupEvent } from "../../engine/setup/report.ts"
import type { Reporter } from "./reporter.ts"

/** Shows set-up in the way of the steps of a session. */
export function setupReport(reporter: Reporter): Report {
  const said = new Map<string, string>()
  return (event) => {
    const { step, detail } = event
    // The last thing a step says is often its result, too.
    const isNews = Boolean(detail) && said.get(step) !== detail
    if (detail && isNews) said.set(step, detail)
    for (const shown of toEvents(event, isNews)) reporter.event(shown)
  }
}

function toEvents(event: SetupEvent, isNews: boolean): SessionEvent[] {
  const id = `setup ${event.step}`
  const step = { type: "step", id, name: event.step } as const
  const now = Date.now()
  const since = { started: now - (event.seconds ?? 0) * 1000, ended: now }
  const log: SessionEvent[] = isNews
    ? [{ type: "log", id, stream: 2, data: `${event.detail}\n` }]
    : []
  switch (event.status) {
    case "running":
      return [{ ...step, status: "running" }, ...log]
    case "done":
      return [...log, { ...step, ...since, status: "done" }]
    case "skipped":
      return [{ ...step, ...since, status: "cached" }]
    case "failed":
      // What to do about it comes with the error that ends the run.
      return [{ ...step, ...since, status: "failed", error: event.detail ?? "failed" }]
  }
}
