import { resolve } from "node:path"
import type { Request } from "../args/request.ts"
import { EXIT, type ExitCode } from "../exit.ts"
import { showHistory } from "../history/show.ts"
import { historyOf } from "../history/store.ts"
import type { Context } from "./context.ts"

/** `pyline history`: what the last runs of a project were, and what changes from run to run. */
export async function history(
  { source, most, json }: Request & { kind: "history" },
  { cwd, print }: Context,
): Promise<ExitCode> {
  const records = historyOf(resolve(cwd, source)).read()
  if (json) print(records.map((record) => JSON.stringify(record)).join("\n"))
  else if (records.length === 0) print("nothing has been run here yet")
  else print(showHistory(records, most, new Date()))
  return EXIT.good
}
