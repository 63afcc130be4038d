/** A request that cannot be met: its message is what the client reads. */
export class EngineError extends Error {
  override name = "EngineError"
}

/** A command that ended otherwise than expected; the SDK turns it into its `ExecError`. */
export class ExecFailure extends Error {
  override name = "ExecFailure"
  readonly cmd: string[]
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string

  constructor(cmd: string[], exitCode: number, stdout: string, stderr: string, message?: string) {
    super(message ?? `exit code: ${exitCode}`)
    this.cmd = cmd
    this.exitCode = exitCode
    this.stdout = stdout
    this.stderr = stderr
  }

  /** What Dagger's SDKs look for in a GraphQL error. */
  get extensions(): Record<string, unknown> {
    const { cmd, exitCode, stdout, stderr } = this
    return { _type: "EXEC_ERROR", cmd, exitCode, stdout, stderr }
  }
}
