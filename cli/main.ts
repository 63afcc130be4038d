import { readFileSync } from "node:fs"
import { parse } from "./args/parse.ts"
import type { Request } from "./args/request.ts"
import type { Context } from "./commands/context.ts"
import { EXIT } from "./exit.ts"
import { explain, Interrupted } from "./failure.ts"
import { wantsColour } from "./output/colour.ts"
import { badNews, goodNews } from "./output/emphasis.ts"
import type { Module } from "./verbs/module.ts"

declare const PYLINE_VERSION: string

/** The command. Sets the exit code and ends the process; nothing is waited for after that. */
export async function main(argv: string[]): Promise<void> {
  ignoreClosedPipe()
  const trace = argv.includes("--trace")
  const context: Context = {
    cwd: process.cwd(),
    interruption,
    print: (text) => {
      if (text === "") return
      const shown = wantsColour(process.stdout, process.env) ? goodNews(text) : text
      process.stdout.write(shown.endsWith("\n") ? shown : `${shown}\n`)
    },
    complain: ({ text }, error) => {
      if (trace && error instanceof Error) process.stderr.write(`${error.stack}\n`)
      const shown = wantsColour(process.stderr, process.env, true) ? badNews(text) : text
      process.stderr.write(`${shown}\n`)
    },
  }
  let code: number
  try {
    code = await execute(parse(argv, verbs(), PYLINE_VERSION), context)
  } catch (error) {
    const failure = explain(error)
    context.complain(failure, error)
    code = failure.exit
  }
  // Sockets kept alive for the next request would keep the process, too.
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit(code)
}

/** Each kind of work is loaded when it is asked for: most runs need one of them. */
async function execute(request: Request, context: Context): Promise<number> {
  switch (request.kind) {
    case "text":
      context.print(request.text)
      return EXIT.good
    case "verb": {
      const { runVerb } = await import("./commands/verb.ts")
      return runVerb(request, context)
    }
    case "report": {
      const { report } = await import("./commands/report.ts")
      return report(request, context)
    }
    case "history": {
      const { history } = await import("./commands/history.ts")
      return history(request, context)
    }
    case "run": {
      const { run } = await import("./commands/run.ts")
      return run(request.command, request.options, context)
    }
    case "engine": {
      const { engine } = await import("./commands/engine.ts")
      return engine(request, context)
    }
    case "setup": {
      const { setup } = await import("./commands/setup.ts")
      return setup(request.force, request.options, context)
    }
    case "init": {
      const { init } = await import("./commands/init.ts")
      return init(request, context, new URL("../", import.meta.url))
    }
  }
}

function verbs(): Module {
  return JSON.parse(readFileSync(new URL("../dist/verbs.json", import.meta.url), "utf8"))
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** The first Ctrl-C ends the work in good order, the second at once. */
function interruption(): ReturnType<Context["interruption"]> {
  let onSignal = () => {}
  const promise = new Promise<never>((_, reject) => {
    let count = 0
    onSignal = () => {
      if (++count > 1) process.exit(EXIT.interrupted)
      reject(new Interrupted("interrupted"))
    }
  })
  promise.catch(() => {})
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return {
    promise,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal)
    },
  }
}

/** `pyline plan | head -1` is no error. */
function ignoreClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? EXIT.good)
      throw error
    })
  }
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => void stream.write("", () => resolve()))
}
