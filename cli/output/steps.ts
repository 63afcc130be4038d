import { ANSWER } from "../../ci/src/caller.ts"
import type { SessionEvent } from "../../engine/daemon/api-contract.ts"

export type StepEvent = Extract<SessionEvent, { type: "step" }>
export type LogEvent = Extract<SessionEvent, { type: "log" }>

export interface Step {
  id: string
  name: string
  status: StepEvent["status"]
  started: number
  ended?: number
  error?: string
  log: StepLog
  /** How it ended the last time: a step is heard of again when another query needs it. */
  settled?: StepEvent["status"]
}

/** Whether a step that took this many milliseconds is not worth a line: it was quick and had nothing to say. */
export function isTrifle(step: Step, took: number): boolean {
  return step.status === "done" && took < 100 && step.log.isEmpty && !step.name.startsWith("exec ")
}

/** The steps of a session in the order in which they were heard of. */
export class Steps {
  readonly #steps = new Map<string, Step>()

  get(id: string): Step | undefined {
    return this.#steps.get(id)
  }

  /**
   * Nothing runs any more. What is still said to was cancelled; or, when all is well, its result was
   * there before anybody had to wait for it. Returns what was cancelled.
   */
  settle(outcome: "good" | "red" | "interrupted"): Step[] {
    const running = [...this.#steps.values()].filter(({ status }) => status === "running")
    for (const step of running) {
      const isCached = outcome === "good" && step.log.isEmpty
      // A service runs for as long as anybody may want it: nobody waited for its end.
      const isService = step.name.startsWith("service ")
      step.status = isCached ? (step.settled ?? "cached") : isService ? "done" : "canceled"
      step.ended = Date.now()
    }
    return running.filter(({ status }) => status === "canceled")
  }

  [Symbol.iterator](): IterableIterator<Step> {
    return this.#steps.values()
  }

  apply(event: StepEvent): Step {
    const before = this.#steps.get(event.id)
    const step: Step = before ?? {
      id: event.id,
      name: event.name,
      status: event.status,
      started: event.started ?? Date.now(),
      log: new StepLog(),
    }
    // A step that was run is not turned into a cached one by that.
    step.status = event.status === "cached" ? (step.settled ?? "cached") : event.status
    if (step.status !== "running") step.settled = step.status
    step.name = event.name
    if (event.started !== undefined) step.started = event.started
    if (event.ended !== undefined) step.ended = event.ended
    if (event.error !== undefined) step.error = event.error
    this.#steps.set(event.id, step)
    return step
  }
}

const isForPeople = (line: string): boolean => !line.startsWith(ANSWER)

const KEEP_BYTES = 512 * 1024

/** What a step printed: whole lines as they get complete, and the end of it all for later. */
export class StepLog {
  #partial: [string, string] = ["", ""]
  #lines: string[] = []
  #bytes = 0
  #dropped = 0

  /** Adds output and returns the lines that got complete by it. */
  push(stream: 1 | 2, data: string): string[] {
    const index = stream === 1 ? 0 : 1
    const all = (this.#partial[index] + data).split("\n")
    this.#partial[index] = all.pop() as string
    const lines = all.filter(isForPeople)
    // A line without an end must not fill the memory.
    if (this.#partial[index].length > KEEP_BYTES) {
      lines.push(this.#partial[index])
      this.#partial[index] = ""
    }
    this.#keep(lines)
    return lines
  }

  /** What was printed without a line end after it; asked when the step is over. */
  flush(): string[] {
    const lines = this.#partial.filter((text) => text !== "" && isForPeople(text))
    this.#partial = ["", ""]
    this.#keep(lines)
    return lines
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0
  }

  /** The last lines, with what was begun after them. */
  tail(count: number): string[] {
    const begun = this.#partial.filter((text) => text !== "")
    return [...this.#lines.slice(-count), ...begun].slice(-count)
  }

  /** All that was kept. */
  all(): string[] {
    if (this.#dropped === 0) return this.#lines
    return [`… ${this.#dropped} earlier lines are left out`, ...this.#lines]
  }

  #keep(lines: string[]): void {
    for (const line of lines) {
      this.#lines.push(line)
      this.#bytes += line.length
    }
    let first = 0
    while (this.#bytes > KEEP_BYTES && first < this.#lines.length - 1)
      this.#bytes -= (this.#lines[first++] as string).length
    // In large pieces: cutting off the front costs the length of what stays.
    if (first > 0) {
      this.#lines.splice(0, first)
      this.#dropped += first
    }
  }
}
