import type { SessionEvent } from "../../engine/daemon/api-contract.ts"
import { clean } from "./clean.ts"
import { frame, type Screen, summary } from "./frame.ts"
import { Gate } from "./gate.ts"
import type { Reporter } from "./reporter.ts"
import { type Step, Steps } from "./steps.ts"

/** A run that is over sooner than this shows no moving parts, and does not load what draws them. */
const PATIENCE_MS = 300
const FRAME_MS = 80

interface Screenful {
  draw(text: string): void
  clear(): void
  truncate: Screen["truncate"]
}

/** The live view for a terminal, drawn with log-update. */
export class TreeReporter implements Reporter {
  readonly steps = new Steps()
  readonly #stream: NodeJS.WriteStream
  readonly #gate: Gate
  readonly #colour: boolean
  #screenful: Screenful | undefined
  #timer: NodeJS.Timeout
  #messages: string[] = []
  #isOver = false

  constructor(stream: NodeJS.WriteStream, colour: boolean) {
    this.#stream = stream
    this.#gate = new Gate((text) => void stream.write(text))
    this.#colour = colour
    this.#timer = setTimeout(() => void this.#start(), PATIENCE_MS)
  }

  event(event: SessionEvent): void {
    if (event.type === "step") this.steps.apply(event)
    else if (event.type === "log") this.steps.get(event.id)?.log.push(event.stream, event.data)
    else this.#message(event.text)
  }

  finish(outcome: "good" | "red" | "interrupted"): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    clearInterval(this.#timer)
    this.#screenful?.clear()
    for (const text of this.#messages.splice(0)) this.#print(text)
    for (const step of this.steps) step.log.flush()
    this.steps.settle(outcome)
    const text = summary(this.steps, this.#screen())
    if (text !== "") this.#print(text)
    if (outcome === "red") for (const step of culprits(this.steps)) this.#dump(step)
  }

  hold(): void {
    this.#screenful?.clear()
    for (const text of this.#messages.splice(0)) this.#print(text)
    this.#gate.hold()
  }

  release(): void {
    this.#gate.release()
  }

  async #start(): Promise<void> {
    const [{ createLogUpdate }, { default: truncate }] = await Promise.all([
      import("log-update"),
      import("cli-truncate"),
    ])
    if (this.#isOver) return
    const update = createLogUpdate(this.#stream)
    this.#screenful = {
      draw: update,
      clear: () => {
        update.clear()
        update.done()
      },
      truncate,
    }
    this.#timer = setInterval(() => this.#draw(), FRAME_MS)
    this.#draw()
  }

  #draw(): void {
    if (this.#gate.isHeld) return
    if (this.#messages.length > 0) {
      this.#screenful?.clear()
      for (const text of this.#messages.splice(0)) this.#print(text)
    }
    this.#screenful?.draw(frame(this.steps, this.#screen()))
  }

  #message(text: string): void {
    this.#messages.push(`pyline: ${clean(text, false)}`)
  }

  /** The whole output of a step that is red, under its name. */
  #dump(step: Step): void {
    this.#print("")
    for (const line of step.log.all()) this.#print(clean(line, this.#colour))
  }

  #print(text: string): void {
    this.#gate.write(`${text}\n`)
  }

  #screen(): Screen {
    return {
      columns: this.#stream.columns || 80,
      rows: this.#stream.rows || 24,
      colour: this.#colour,
      now: Date.now(),
      truncate: this.#screenful?.truncate ?? cut,
    }
  }
}

/** Counts characters: good enough for names of steps, and for when nothing better is loaded. */
function cut(line: string, columns: number): string {
  const characters = [...line]
  return characters.length > columns ? `${characters.slice(0, columns - 1).join("")}…` : line
}

/**
 * Whose output a person wants to see when a run is red: that of failed steps; else of the last step
 * that printed something, as a step may be told to go on after red tests so that reports survive.
 */
function culprits(steps: Iterable<Step>): Step[] {
  const printed = [...steps].filter(({ log }) => !log.isEmpty)
  const failed = printed.filter(({ status }) => status === "failed")
  return failed.length > 0 ? failed : printed.slice(-1)
}
