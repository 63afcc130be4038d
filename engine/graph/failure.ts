import { BridgeError } from "../buildkit/bridge.ts"
import type { ServiceEvent, ServiceResult } from "../buildkit/bridge-protocol.ts"
import { inPlainWords } from "../buildkit/trouble.ts"
import type { Vertex } from "../llb/vertex.ts"
import { EngineError, ExecFailure } from "./errors.ts"

/** How much of a stream an error carries, counting the note before it. */
const TAIL_BYTES = 100 << 10

/** What BuildKit says of a step, in the words of the step's own command and paths. */
export function translate(error: unknown, graph: Vertex[]): unknown {
  if (!(error instanceof BridgeError)) return error
  const { vertex, exitCode = -1, setup, ...failure } = error.failure
  const failed = graph.find((v) => v.digest === vertex)
  if (failure.code === "EXEC" && failed?.exec) {
    return new ExecFailure(
      failed.exec.args,
      exitCode,
      tail(failure.stdoutTail, failure.stdoutBytes),
      tail(failure.stderrTail, failure.stderrBytes),
      setup || exitCode < 0 ? failure.message : undefined,
    )
  }
  const words = inPlainWords(error.message)
  if (words === undefined) return new EngineError(inOtherWords(error.message), { cause: error })
  // BuildKit does not say which image it was about.
  const pulls = graph.map((v) => v.name).filter((name) => name.startsWith("pull "))
  const pull = failed?.name.startsWith("pull ") ? failed.name : pulls.join(", ")
  return new EngineError(
    `${pull && !words.startsWith("failed to push") ? `${pull}: ` : ""}${words}`,
    { cause: error },
  )
}

/** How a service ended, which it was not to do. Dagger does not trim what it wrote. */
export function ended(args: string[], result: ServiceResult): ExecFailure {
  const { exitCode, setup, message } = result
  return new ExecFailure(
    args,
    exitCode,
    Buffer.from(result.stdoutTail ?? "", "base64").toString("utf8"),
    Buffer.from(result.stderrTail ?? "", "base64").toString("utf8"),
    setup || exitCode < 0 ? message : undefined,
  )
}

/** What the health check of a service said that did not become ready. */
export function unhealthy(
  args: string[],
  { exitCode, stdout, stderr }: NonNullable<ServiceEvent["unhealthy"]>,
): ExecFailure {
  const text = (base64: string | null) => Buffer.from(base64 ?? "", "base64").toString("utf8")
  const why = `health check errored: exit code: ${exitCode}`
  return new ExecFailure(args, exitCode, text(stdout), text(stderr), why)
}

/** Messages of BuildKit's file operations name its own temporary names. */
const inOtherWords = (message: string): string =>
  message
    .replace(/^failed to solve: /, "")
    .replace(/rename (\S+): file exists/, "open $1: is a directory")
    .replace(
      /.*: file name too long$/s,
      "File name length exceeds the maximum supported 255 characters",
    )

/** The end of a stream as Dagger shows it: trimmed, and saying what was left out before it. */
function tail(base64 = "", bytes = 0): string {
  const kept = Buffer.from(base64, "base64")
  if (bytes <= TAIL_BYTES) return kept.toString("utf8").trim()
  const note = `[omitting ${bytes - TAIL_BYTES} bytes]...`
  const room = TAIL_BYTES - note.length
  return (
    note +
    kept
      .subarray(Math.max(kept.length - room, 0))
      .toString("utf8")
      .trimEnd()
  )
}
