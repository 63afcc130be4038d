import { exitClassOf } from "../ci/src/errors.ts"
import { EXIT, type ExitCode } from "./exit.ts"

/** What a user is told when something went wrong, and the exit code that goes with it. */
export interface Failure {
  exit: ExitCode
  text: string
}

/** The command line asks for something that is not there or not possible. */
export class UsageError extends Error {
  override name = "UsageError"
  readonly fix: string | undefined

  constructor(message: string, fix?: string) {
    super(message)
    this.fix = fix
  }
}

/** The user pressed Ctrl-C, or the process was asked to end. */
export class Interrupted extends Error {
  override name = "Interrupted"
}

/** What errors of the module, the engine and the SDK may carry besides a message. */
interface Details extends Error {
  code?: unknown
  fix?: unknown
  exitCode?: unknown
  stdout?: unknown
  stderr?: unknown
  cmd?: unknown
}

/**
 * Turns whatever was thrown into words and an exit code. Told apart by `name` and by what they carry:
 * errors of the SDK cross a bundle and a network, so their classes are not to be relied on.
 */
export function explain(thrown: unknown): Failure {
  const error: Details = thrown instanceof Error ? thrown : new Error(String(thrown))
  if (error.name === "Interrupted") return { exit: EXIT.interrupted, text: "interrupted" }
  if (error.name === "UsageError")
    return { exit: EXIT.wrong, text: withFix(`error[USAGE]: ${error.message}`, error.fix) }
  // The module's own errors are written for users: code, what was found, fix, docs.
  const exit = exitClassOf(error.message)
  if (exit !== undefined) return { exit, text: error.message }
  if (error.name === "ExecError") return { exit: EXIT.red, text: execFailed(error) }
  if (error.name === "EngineError")
    return {
      exit: EXIT.engine,
      text: withFix(`error[${String(error.code)}]: ${error.message}`, error.fix),
    }
  if (error.name === "NotAwaitedRequestError")
    return {
      exit: EXIT.engine,
      text: withFix(
        "error[NO_SESSION]: nothing answers at the port of the session",
        "unset DAGGER_SESSION_PORT, or run inside of `dagger run` or `pyline run`",
      ),
    }
  if (/failed to download dagger cli binary/.test(error.message))
    return {
      exit: EXIT.engine,
      text: withFix(
        "error[NO_DAGGER]: there is no `dagger` on PATH, and it could not be downloaded",
        "install it (https://docs.dagger.io/install), or say --engine embedded",
      ),
    }
  if (isEngine(error)) return { exit: EXIT.engine, text: `error[ENGINE]: ${messages(error)}` }
  return {
    exit: EXIT.engine,
    text: withFix(
      `error[INTERNAL]: ${messages(error)}`,
      "this is a fault in pyline; --trace shows where",
    ),
  }
}

function withFix(text: string, fix: unknown): string {
  return typeof fix === "string" && fix ? `${text}\nfix: ${fix}` : text
}

function execFailed({ message, cmd, exitCode, stdout, stderr }: Details): string {
  const command = Array.isArray(cmd) ? cmd.join(" ") : message
  const output = [stdout, stderr].filter((text) => typeof text === "string" && text.trim() !== "")
  const code = typeof exitCode === "number" && exitCode >= 0 ? ` with exit code ${exitCode}` : ""
  return [...output, `error[STEP_FAILED]: \`${command}\` ended${code}`].join("\n")
}

const NETWORK_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EHOSTUNREACH",
])

function isEngine(error: Details): boolean {
  const names = [
    "GraphQLRequestError",
    "UnknownDaggerError",
    "EngineSessionConnectionTimeoutError",
    "EngineSessionConnectParamsParseError",
    "EngineSessionError",
    "InitEngineSessionBinaryError",
  ]
  if (names.includes(error.name)) return true
  if (typeof error.code === "string" && NETWORK_CODES.has(error.code)) return true
  return error.cause instanceof Error && isEngine(error.cause)
}

/** The message with those of its causes that say something more. */
function messages(error: Error): string {
  const lines = [error.message]
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    // graphql-request puts the whole exchange behind its message.
    const text = cause.message.split(": {")[0] ?? ""
    if (text && !lines.some((line) => line.includes(text))) lines.push(`cause: ${text}`)
  }
  return lines.join("\n")
}
