import type { SessionEvent } from "../../engine/daemon/api-contract.ts"
import { clean } from "./clean.ts"
import { Gate } from "./gate.ts"
import type { Reporter, Write } from "./reporter.ts"
import { Steps } from "./steps.ts"

/** Shows only warnings, and the output of a step that failed. */
export class QuietReporter implements Reporter {
  readonly steps = new Steps()
  readonly #gate: Gate
  readonly #write: Write

  constructor(write: Write) {
    this.#gate = new Gate(write)
    this.#write = this.#gate.write
  }

  event(event: SessionEvent): void {
    if (event.type === "step") this.steps.apply(event).log.flush()
    else if (event.type === "log") this.steps.get(event.id)?.log.push(event.stream, event.data)
    else if (event.level === "warn") this.#write(`pyline: ${event.text}\n`)
  }

  hold(): void {
    this.#gate.hold()
  }

  release(): void {
    this.#gate.release()
  }

  finish(outcome: "good" | "red" | "interrupted"): void {
    if (outcome !== "red") return
    for (const step of this.steps) {
      if (step.status !== "failed") continue
      for (const line of step.log.all()) this.#write(`${clean(line, false)}\n`)
    }
  }
}
