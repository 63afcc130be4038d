import { clean } from "./clean.ts"
import { isTrifle, type Step } from "./steps.ts"
import { duration } from "./time.ts"
import { title } from "./title.ts"

export interface Screen {
  columns: number
  rows: number
  colour: boolean
  /** Milliseconds: what is running is timed by it, and the spinner turns by it. */
  now: number
  /** Cuts a line to a width, counting as a terminal does. */
  truncate(line: string, columns: number): string
}

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
const LOG_LINES = 5

/** One picture of the live view: what is over, what runs with its last lines, never more than the screen holds. */
export function frame(steps: Iterable<Step>, screen: Screen): string {
  const all = [...steps]
  const over = overLines(all, screen)
  const running = all.filter(({ status }) => status === "running")
  // The log lines share what the titles leave of the screen; one row stays for the cursor.
  const room = Math.max(screen.rows - 1 - running.length - Math.min(over.length, 3), 0)
  const each = running.length > 0 ? Math.min(LOG_LINES, Math.floor(room / running.length)) : 0
  const live = running.flatMap((step) => runningLines(step, each, screen))
  const left = Math.max(screen.rows - 1 - live.length, 1)
  return [...over.slice(-left), ...live].slice(-(screen.rows - 1)).join("\n")
}

/** What stays on the screen when all is over. */
export function summary(steps: Iterable<Step>, screen: Screen): string {
  return overLines([...steps], screen).join("\n")
}

function overLines(steps: Step[], screen: Screen): string[] {
  const cached = steps.filter(({ status }) => status === "cached")
  const lines: string[] = []
  if (cached.length > 0) {
    const what = cached.length === 1 ? (cached[0] as Step).name : `${cached.length} steps`
    lines.push(line(paint("dim", "●", screen), what, "cached", screen))
  }
  for (const step of steps) {
    if (step.status === "cached" || step.status === "running") continue
    const took = (step.ended ?? screen.now) - step.started
    if (isTrifle(step, took)) continue
    const time = duration(took)
    if (step.status === "done")
      lines.push(line(paint("green", "✔", screen), step.name, time, screen))
    else if (step.status === "canceled")
      lines.push(line(paint("yellow", "■", screen), step.name, `cancelled after ${time}`, screen))
    else lines.push(line(paint("red", "✖", screen), step.name, `failed after ${time}`, screen))
  }
  return lines
}

function runningLines(step: Step, logLines: number, screen: Screen): string[] {
  const elapsed = screen.now - step.started
  const turn = SPINNER[Math.floor(screen.now / 80) % SPINNER.length] as string
  const log = step.log
    .tail(LOG_LINES)
    .map((text) => clean(text, screen.colour))
    .filter((text) => text.trim() !== "")
    .slice(-logLines || Number.POSITIVE_INFINITY)
  return [
    line(paint("cyan", turn, screen), step.name, elapsed >= 1000 ? duration(elapsed) : "", screen),
    ...(logLines > 0 ? log : []).map((text) =>
      screen.truncate(
        `${paint("dim", "  │", screen)} ${text.replaceAll("\t", "    ")}`,
        screen.columns,
      ),
    ),
  ]
}

/** A line of which the name gives way, not the end. */
function line(mark: string, name: string, end: string, screen: Screen): string {
  const room = Math.max(screen.columns - end.length - 5, 10)
  const text = screen.truncate(clean(title(name), false), room)
  return `${mark} ${text}${end === "" ? "" : `  ${paint("dim", end, screen)}`}`
}

const SGR = { dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] }

function paint(style: keyof typeof SGR, text: string, screen: Screen): string {
  const [on, off] = SGR[style]
  return screen.colour ? `\x1b[${on}m${text}\x1b[${off}m` : text
}
