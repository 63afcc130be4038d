import type { SessionEvent } from "../../engine/daemon/api-contract.ts"
import type { Steps } from "./steps.ts"

/** Shows on standard error what a session does. */
export interface Reporter {
  readonly steps: Steps
  event(event: SessionEvent): void
  /**
   * Ends the show: nothing is printed any more after it.
   *
   * @param outcome "red" asks for the output of what failed, in full and last, where it was not printed already
   */
  finish(outcome: "good" | "red" | "interrupted"): void
  /** Prints nothing for a while, as the terminal is somebody else's, then all that came meanwhile. */
  hold(): void
  release(): void
}

export type Write = (text: string) => void
