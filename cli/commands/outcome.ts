import { EXIT } from "../exit.ts"
import { explain } from "../failure.ts"

/** How the show of a run ends that threw this. */
export function outcome(error: unknown): "red" | "interrupted" {
  return explain(error).exit === EXIT.interrupted ? "interrupted" : "red"
}
