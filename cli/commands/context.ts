import type { Failure } from "../failure.ts"

/** What a command needs of the process that it runs in. */
export interface Context {
  cwd: string
  /**
   * Rejects with Interrupted when the user wants the command to end; ends the process when that is wanted
   * a second time. Until it is called, signals do what they do by default.
   */
  interruption(): { promise: Promise<never>; release(): void }
  /** Prints a result on standard output. */
  print(text: string): void
  /** Says on standard error why there is none. */
  complain(failure: Failure, error: unknown): void
}
