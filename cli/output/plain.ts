import type { SessionEvent } from "../../engine/daemon/api-contract.ts"
import { clean } from "./clean.ts"
import { Gate } from "./gate.ts"
import type { Reporter, Write } from "./reporter.ts"
import { isTrifle, type Step, Steps } from "./steps.ts"
import { duration } from "./time.ts"
import { shortTitle } from "./title.ts"

/** A step that says nothing is said to be running this often, so that no CI host takes the job for dead. */
const STILL_RUNNING_MS = 30_000

/**
 * Lines for logs: each with the step's name in front, as they come. Steps from the cache are gathered
 * in one line.
 */
export class PlainReporter implements Reporter {
  readonly steps = new Steps()
  readonly #gate: Gate
  readonly #write: Write
  readonly #colour: boolean
  readonly #heard = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  /** Steps that had their line: one that is heard of again from the cache gets no other. */
  readonly #told = new Set<string>()
  #cached: string[] = []
  #lastStep: string | undefined
  /** Whether the output of a step came in pieces between that of others. */
  readonly #scattered = new Set<string>()

  constructor(write: Write, colour: boolean) {
    this.#gate = new Gate(write)
    this.#write = this.#gate.write
    this.#colour = colour
    this.#timer = setInterval(() => this.#sayRunning(), STILL_RUNNING_MS / 3)
    this.#timer.unref()
  }

  event(event: SessionEvent): void {
    switch (event.type) {
      case "message":
        this.#line("pyline", event.text)
        return
      case "log": {
        const step = this.steps.get(event.id)
        if (step) this.#log(step, step.log.push(event.stream, event.data))
        return
      }
      case "step": {
        const known = this.steps.get(event.id)
        const step = this.steps.apply(event)
        if (event.status === "running") this.#heard.set(step.id, Date.now())
        else if (!known || known.status === "running" || this.#heard.has(step.id)) this.#end(step)
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
    clearInterval(this.#timer)
    for (const step of this.steps.settle(outcome)) this.#end(step)
    this.#sayCached()
    if (outcome !== "red") return
    for (const step of this.steps) {
      if (step.status !== "failed" || !this.#scattered.has(step.id)) continue
      this.#write(`── all output of ${step.name}\n`)
      for (const line of step.log.all()) this.#write(`${clean(line, this.#colour)}\n`)
      this.#write("──\n")
    }
  }

  #end(step: Step): void {
    this.#heard.delete(step.id)
    if (step.status === "cached") {
      if (!this.#told.has(step.id)) this.#cached.push(step.name)
      this.#told.add(step.id)
      return
    }
    this.#told.add(step.id)
    this.#log(step, step.log.flush())
    const took = (step.ended ?? Date.now()) - step.started
    if (isTrifle(step, took)) return
    // The rest of it is said at the end of the run.
    const why = step.status === "failed" && step.error ? `: ${step.error.split("\n")[0]}` : ""
    this.#line(step.name, `${step.status} in ${duration(took)}${why}`)
  }

  #log(step: Step, lines: string[]): void {
    if (lines.length === 0) return
    this.#heard.set(step.id, Date.now())
    if (
      this.#lastStep !== undefined &&
      this.#lastStep !== step.id &&
      this.#isRunning(this.#lastStep)
    ) {
      this.#scattered.add(step.id)
      this.#scattered.add(this.#lastStep)
    }
    this.#lastStep = step.id
    for (const line of lines) this.#line(step.name, clean(line, this.#colour))
  }

  #isRunning(id: string): boolean {
    return this.steps.get(id)?.status === "running"
  }

  #sayRunning(): void {
    const now = Date.now()
    for (const step of this.steps) {
      const heard = this.#heard.get(step.id)
      if (step.status !== "running" || heard === undefined || now - heard < STILL_RUNNING_MS)
        continue
      this.#heard.set(step.id, now)
      this.#line(step.name, `still running after ${duration(now - step.started)}`)
    }
  }

  #line(name: string, text: string): void {
    this.#sayCached()
    this.#write(`[${shortTitle(name)}]${text === "" ? "" : ` ${text}`}\n`)
  }

  #sayCached(): void {
    if (this.#cached.length === 0) return
    const names = this.#cached.map(shortTitle)
    this.#cached = []
    const shown = names.slice(-3).join(", ")
    const more = names.length > 3 ? ` and ${names.length - 3} more` : ""
    this.#write(`[cached] ${shown}${more}\n`)
  }
}
