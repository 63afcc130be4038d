import type { TerminalMove } from "../../engine/buildkit/bridge-protocol.ts"
import type { OpenTerminal } from "../../engine/client.ts"
import type { Reporter } from "../output/reporter.ts"

/** What programs may have changed of a terminal: its keys, its mouse, its cursor, its colours. */
const PLAIN = "\x1b[?1l\x1b>\x1b[?2004l\x1b[?1000;1002;1003;1006l\x1b[?25h\x1b[0m"
/** The screen that was there before one that was cut off. */
const SCREEN = "\x1b[?1047l"

/** Whether there is a person with a keyboard and a screen. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true
}

/**
 * Gives the terminal of this process to a container. Keys go there as they are, Ctrl-C too, until it is closed;
 * then the terminal is as it was, also when this process is made to end meanwhile.
 *
 * @throws where there is none
 */
export function openTerminal(
  moves: (move: TerminalMove) => void,
  reporter: Pick<Reporter, "hold" | "release">,
): OpenTerminal {
  const { stdin, stdout } = process
  if (!hasTerminal()) throw new Error("there is no terminal here to open a shell in")
  reporter.hold()
  let isOpen = true
  const onData = (data: Buffer) => moves({ data: data.toString("base64") })
  const onResize = () => moves({ rows: stdout.rows, cols: stdout.columns })
  const onEnd = () => moves({ eof: true })
  const restore = () => {
    if (!isOpen) return false
    isOpen = false
    stdin.off("data", onData)
    stdin.off("end", onEnd)
    stdout.off("resize", onResize)
    process.off("exit", onExit)
    stdin.setRawMode(false)
    stdin.pause()
    return true
  }
  // Ended from outside, with whatever program on the screen.
  const onExit = () => {
    if (restore()) stdout.write(SCREEN + PLAIN)
  }
  process.on("exit", onExit)
  stdin.setRawMode(true)
  stdin.on("data", onData)
  stdin.on("end", onEnd)
  stdin.resume()
  stdout.on("resize", onResize)
  return {
    rows: stdout.rows,
    cols: stdout.columns,
    term: process.env.TERM ?? "",
    show: (data) => {
      if (isOpen) stdout.write(data, () => moves({ seen: data.length }))
    },
    close: () => {
      if (!restore()) return
      stdout.write(PLAIN)
      reporter.release()
    },
  }
}
