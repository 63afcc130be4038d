import { relative } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fromGit } from "../args/git.ts"
import { fromHost } from "../args/host.ts"
import type { VerbRequest } from "../args/request.ts"
import { isRemote, toValue, type Value } from "../args/value.ts"
import { EXIT, type ExitCode } from "../exit.ts"
import { explain, UsageError } from "../failure.ts"
import { chooseReporter } from "../output/choose.ts"
import { defuse } from "../output/github.ts"
import { cacheNote, withNote } from "../output/note.ts"
import { callerOf } from "../session/caller.ts"
import { chooseEngine } from "../session/choose.ts"
import { credentialsIn } from "../session/indexes.ts"
import { open } from "../session/open.ts"
import { hasTerminal } from "../session/terminal.ts"
import type { Ran } from "./after.ts"
import type { Context } from "./context.ts"
import { outcome } from "./outcome.ts"

/** The end of the engine is heard of within this time, by another connection than that of the request. */
const LOSS_SHOWS_MS = 100

/** Runs a verb of the module: progress on standard error, its result on standard output. */
export async function runVerb(request: VerbRequest, context: Context): Promise<ExitCode> {
  const { verb, given, options } = request
  const { cwd } = context
  // Before anything is started: what is wrong with the request is said at once.
  const asked = verb.args.map((arg) => toValue(arg, given.get(arg.name), cwd))
  const values = fromHost(verb, fromGit(verb, asked), process.env)
  const indexes = verb.args.findIndex(({ name }) => name === "indexCredentials")
  if (indexes >= 0 && values[indexes] === undefined) {
    const found = credentialsIn(process.env)
    if (found !== undefined) {
      values[indexes] = { secret: found.secret }
      process.stderr.write(`pyline: index credentials are ${found.variables.join(", ")}\n`)
    }
  }
  const wantsShell = verb.args.some(({ name }, place) => name === "debug" && values[place] === true)
  if (wantsShell && !hasTerminal())
    throw new UsageError(
      "--debug opens a shell, and there is no terminal here",
      "run it at a terminal, with neither its input nor its output redirected",
    )
  const reporter = await chooseReporter(options.progress, process.env)
  const interrupted = context.interruption().promise
  let session: Awaited<ReturnType<typeof open>> | undefined
  let note = () => cacheNote(reporter.steps)
  let hearsSteps = false
  const source = values.find(isDirectory)?.directory
  const ran: Ran = {
    request,
    steps: reporter.steps,
    ...(source === undefined || isRemote(source) ? {} : { source }),
  }
  try {
    const engine = await chooseEngine(options.engine)
    if (wantsShell && engine.kind === "dagger")
      throw new UsageError(
        "--debug: only its own command can open a shell on the Dagger engine",
        `dagger call ${verb.name} --source=. --debug`,
      )
    // Other engines do not tell us of their steps.
    hearsSteps = engine.kind === "embedded"
    if (!hearsSteps) note = () => undefined
    // The engine gets ready while the SDK and the module load.
    const opening = open(engine, reporter, cwd).then((opened) => {
      session = opened
      return opened
    })
    const loading = Promise.all([import("./call.ts"), opening])
    const [{ call }, { lost }] = await Promise.race([loading, interrupted])
    const work = call({
      verb,
      values,
      ...(request.output === undefined ? {} : { output: request.output }),
      ...(source === undefined ? {} : { source }),
      ...(engine.kind === "dagger" && options.progress !== "quiet"
        ? { logOutput: process.stderr }
        : {}),
      caller: {
        ...callerOf(request, (text) => reporter.event({ type: "message", level: "warn", text })),
        found: (found) => Object.assign(ran, { result: found }),
      },
      digested: {
        isWanted: () => ran.result !== undefined || verb.name === "reports",
        take: (digest) => Object.assign(ran, { digest }),
      },
      mayApply: (summary) => mayApply(request, summary),
    })
    const text = await Promise.race([
      work.catch((error: unknown) => preferLoss(error, lost)),
      lost.then((error) => Promise.reject(error)),
      interrupted,
    ])
    reporter.finish("good")
    if (request.output !== undefined) ran.exported = text
    context.print(defused(withNote(result(text, request, cwd), note())))
    return EXIT.good
  } catch (error) {
    session?.restore()
    const failure = explain(error)
    reporter.finish(outcome(error))
    if (hearsSteps && ran.result !== undefined && failure.exit === EXIT.red) {
      const { retold } = await import("../output/retold.ts")
      const text = retold(ran.result, reporter.steps)
      if (text !== "") process.stderr.write(`${defused(text)}\n`)
    }
    const shown = failure.exit === EXIT.red ? withNote(failure.text, note()) : failure.text
    context.complain({ ...failure, text: defused(shown) }, error)
    return failure.exit
  } finally {
    if (ran.result !== undefined || ran.exported !== undefined)
      (await import("./after.ts")).afterwards(ran)
    await session?.close()
  }
}

/** When the engine dies, requests to it fail with words about sockets: that it is gone says more. */
async function preferLoss(error: unknown, lost: Promise<Error>): Promise<never> {
  if (explain(error).exit !== EXIT.engine) throw error
  throw await Promise.race([lost, sleep(LOSS_SHOWS_MS).then(() => error)])
}

const isDirectory = (value: Value | undefined): value is { directory: string; exclude: string[] } =>
  typeof value === "object" && "directory" in value

const defused = (text: string): string =>
  process.env.GITHUB_ACTIONS === "true" ? defuse(text) : text

function result(text: string, { verb, output }: VerbRequest, cwd: string): string {
  if (verb.returns.kind !== "object") return text
  if (output !== undefined) return `written to ${relative(cwd, text) || "."}`
  if (verb.returns.name === "Directory")
    process.stderr.write(`pyline: these are the files; -o DIR (or export --path=DIR) writes them\n`)
  return text
}

async function mayApply({ apply }: VerbRequest, summary: string): Promise<boolean> {
  if (apply) return true
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const { createInterface } = await import("node:readline/promises")
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await prompt.question(`${summary} [y/N] `)).trim())
  } finally {
    prompt.close()
  }
}
