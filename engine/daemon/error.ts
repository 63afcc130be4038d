/** What went wrong with the engine itself, what to do about it, and where to read more. */
export class EngineError extends Error {
  override readonly name = "EngineError"
  readonly code: string
  readonly fix: string | undefined
  readonly log: string | undefined

  constructor(
    code: string,
    message: string,
    more: { fix?: string | undefined; log?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.fix = more.fix
    this.log = more.log
  }
}
