/** Exit codes of the command, the same for every verb. */
export const EXIT = {
  good: 0,
  /** A check or a test is red. */
  red: 1,
  /** The request or the project is wrong: usage, a bad manifest, a stale lock. */
  wrong: 2,
  /** The engine or the network failed. */
  engine: 3,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
