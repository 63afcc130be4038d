import type { LogEvent, StepEvent } from "../../../../cli/output/steps.ts"

/** A step event; its name is its id, too. */
export const step = (
  name: string,
  status: StepEvent["status"],
  more: Partial<StepEvent> = {},
): StepEvent => ({ type: "step", id: name, name, status, ...more })

export const log = (name: string, data: string, stream: 1 | 2 = 1): LogEvent => ({
  type: "log",
  id: name,
  stream,
  data,
})
