import { spawn } from "node:child_process"
import { rmSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Request, VerbRequest } from "../args/request.ts"
import { EXIT, type ExitCode } from "../exit.ts"
import { UsageError } from "../failure.ts"
import type { Record } from "../history/record.ts"
import { historyOf } from "../history/store.ts"
import type { Verb } from "../verbs/module.ts"
import type { Context } from "./context.ts"
import { runVerb } from "./verb.ts"

/** `pyline report`: the page of the last run of a project, which the caches still have. */
export async function report(
  { source, open, verbs, options }: Request & { kind: "report" },
  context: Context,
): Promise<ExitCode> {
  const project = resolve(context.cwd, source)
  const history = historyOf(project)
  const last = history.last()
  if (last === undefined)
    throw new UsageError(
      `nothing has been run in ${source} yet`,
      `pyline test${source === "." ? "" : ` --source ${source}`}`,
    )
  const verb = verbs.find(({ name }) => name === "reports") as Verb
  const folder = join(history.folder, "report")
  // Reports of another run must not stay beside those of this one.
  rmSync(folder, { recursive: true, force: true })
  const request: VerbRequest = {
    kind: "verb",
    verb,
    verbs,
    given: givenFor(verb, last, project),
    output: folder,
    apply: false,
    options,
  }
  const code = await runVerb(request, { ...context, print: () => {} })
  if (code !== EXIT.good) return code
  const page = join(folder, "index.html")
  context.print(`${last.title}\n${page}`)
  if (open) show(page)
  return EXIT.good
}

/** The flags of the run as far as `reports` has them, and its verb as the one that is wanted. */
function givenFor(verb: Verb, last: Record, project: string): VerbRequest["given"] {
  const known = verb.args.filter(({ name }) => last.given[name] !== undefined)
  const given = new Map(known.map(({ name }) => [name, last.given[name] ?? []]))
  given.set("source", [project])
  if (last.verb !== "ci" && verb.args.some(({ name }) => name === "only"))
    given.set("only", [last.verb])
  return given
}

function show(page: string): void {
  const opener = process.env.BROWSER || (process.platform === "darwin" ? "open" : "xdg-open")
  const child = spawn(opener, [page], { stdio: "ignore", detached: true })
  child.on("error", () => {
    process.stderr.write(`pyline: there is no ${opener} to open it with; open it in a browser\n`)
  })
  child.unref()
}
