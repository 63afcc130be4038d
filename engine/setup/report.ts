/** Progress of set-up. `seconds` is how long the step took; `fix` says what to do when it failed. */
export interface SetupEvent {
  step: string
  status: "running" | "done" | "failed" | "skipped"
  detail?: string
  seconds?: number
  fix?: string
}

export type Report = (event: SetupEvent) => void
