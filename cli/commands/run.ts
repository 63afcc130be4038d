import { spawn } from "node:child_process"
import { constants } from "node:os"
import type { Options } from "../args/request.ts"
import { UsageError } from "../failure.ts"
import { chooseReporter } from "../output/choose.ts"
import { chooseEngine } from "../session/choose.ts"
import { open } from "../session/open.ts"
import type { Context } from "./context.ts"

/**
 * Runs a program with a session in its environment, as `dagger run` does. Standard streams and the exit
 * code are the program's; signals are passed on to it.
 */
export async function run(command: string[], options: Options, context: Context): Promise<number> {
  const engine = await chooseEngine(options.engine)
  if (engine.kind === "dagger") {
    if (!engine.cli)
      throw new UsageError(
        "there is no dagger on PATH to run this with",
        "install it, or say --engine embedded",
      )
    return execute([engine.cli, "run", ...command])
  }
  // The terminal is the program's: a live view would get in its way.
  const progress = options.progress === "auto" ? "quiet" : options.progress
  const reporter = await chooseReporter(progress, process.env)
  const interruption = context.interruption()
  const session = await Promise.race([open(engine, reporter, context.cwd), interruption.promise])
  // From here on Ctrl-C is the program's.
  interruption.release()
  try {
    return await execute(command)
  } finally {
    reporter.finish("good")
    await session.close()
  }
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const

function execute([program, ...args]: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program as string, args, { stdio: "inherit" })
    const pass = (signal: NodeJS.Signals) => void child.kill(signal)
    // A terminal sends Ctrl-C to the program as well: passing it on would make two of one.
    const signals = SIGNALS.filter((signal) => signal !== "SIGINT" || !process.stdin.isTTY)
    for (const signal of signals) process.on(signal, pass)
    const settle = () => {
      for (const signal of signals) process.off(signal, pass)
    }
    child.on("error", (error: NodeJS.ErrnoException) => {
      settle()
      const reason = error.code === "ENOENT" ? "there is no such program" : error.message
      reject(new UsageError(`${program}: ${reason}`))
    })
    child.on("close", (code, signal) => {
      settle()
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 1))
    })
  })
}
