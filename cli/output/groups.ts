import type { SessionEvent } from "../../engine/daemon/api-contract.ts"
import { clean } from "./clean.ts"
import { Gate } from "./gate.ts"
import { defuse, type Fence, groupName } from "./github.ts"
import type { Reporter, Write } from "./reporter.ts"
import { isTrifle, type Step, Steps } from "./steps.ts"
import { duration } from "./time.ts"
import { shortTitle, title } from "./title.ts"

/**
 * Output for GitHub Actions: a fold for each step. Folds cannot be open side by side, so one step is
 * shown as it goes and the others wait until it is over.
 */
export class GroupReporter implements Reporter {
  readonly steps = new Steps()
  readonly #gate: Gate
  readonly #write: Write
  readonly #fence: Fence
  readonly #colour: boolean
  /** Steps that have output nobody has seen: those that are behind the open one. */
  readonly #waiting = new Map<string, string[]>()
  #open: string | undefined
  #cached: string[] = []

  constructor(write: Write, fence: Fence, colour: boolean) {
    this.#gate = new Gate(write)
    this.#write = this.#gate.write
    this.#fence = fence
    this.#colour = colour
  }

  event(event: SessionEvent): void {
    switch (event.type) {
      case "message":
        this.#show(`pyline: ${event.text}`)
        return
      case "log": {
        const step = this.steps.get(event.id)
        if (step) this.#log(step, step.log.push(event.stream, event.data))
        return
      }
      case "step": {
        const known = this.steps.get(event.id)
        const step = this.steps.apply(event)
        if (event.status === "running") return
        if (event.status === "cached" && !known) this.#cached.push(shortTitle(step.name))
        if (event.status !== "cached") this.#end(step)
      }
    }
  }

  hold(): void {
    this.#gate.hold()
  }

  release(): void {
    this.#gate.release()
  }

  finish(outcome: "good" | "red" | "interrupted"): void {
    for (const step of this.steps.settle(outcome)) this.#end(step)
    this.#sayCached()
  }

  #log(step: Step, lines: string[]): void {
    if (lines.length === 0) return
    if (this.#open === undefined) this.#start(step)
    if (this.#open === step.id) this.#lines(lines)
    else this.#waiting.set(step.id, [...(this.#waiting.get(step.id) ?? []), ...lines])
  }

  #end(step: Step): void {
    this.#log(step, step.log.flush())
    const took = (step.ended ?? Date.now()) - step.started
    const time = duration(took)
    const end = step.status === "done" ? `done in ${time}` : `${step.status} after ${time}`
    if (this.#open === step.id) {
      this.#stop(`${shortTitle(step.name)}: ${end}`)
      this.#next()
    } else if (this.#open === undefined && !isTrifle(step, took))
      this.#show(`${shortTitle(step.name)}: ${end}`)
  }

  /** Shows what has waited: steps that are over at once, then one that runs stays open. */
  #next(): void {
    const waiting = [...this.#waiting.keys()].flatMap((id) => this.steps.get(id) ?? [])
    waiting.sort((a, b) => Number(a.status === "running") - Number(b.status === "running"))
    for (const step of waiting) {
      if (this.#open !== undefined) return
      // Ending one shows the next already.
      if (!this.#waiting.has(step.id)) continue
      this.#start(step)
      if (step.status !== "running") this.#end(step)
    }
  }

  #start(step: Step): void {
    this.#sayCached()
    this.#open = step.id
    this.#write(`::group::${groupName(title(step.name))}\n${this.#fence.open}\n`)
    this.#lines(this.#waiting.get(step.id) ?? [])
    this.#waiting.delete(step.id)
  }

  #stop(end: string): void {
    this.#open = undefined
    this.#write(`${this.#fence.close}\n::endgroup::\n`)
    this.#show(end)
  }

  /** A line of our own. It has words of the project in it, the name of a step above all. */
  #show(line: string): void {
    this.#sayCached()
    this.#write(`${defuse(clean(line, this.#colour))}\n`)
  }

  #lines(lines: string[]): void {
    for (const line of lines) this.#write(`${clean(line, this.#colour)}\n`)
  }

  #sayCached(): void {
    if (this.#cached.length === 0) return
    const names = this.#cached.splice(0)
    const more = names.length > 3 ? ` and ${names.length - 3} more` : ""
    this.#show(`cached: ${names.slice(-3).join(", ")}${more}`)
  }
}
