import { appendFileSync, existsSync } from "node:fs"
import { join, relative, sep } from "node:path"
import { markdown } from "../../ci/src/pipeline/markdown.ts"
import type { Result } from "../../ci/src/pipeline/result.ts"
import type { VerbRequest } from "../args/request.ts"
import { addSteps } from "../history/page.ts"
import { inputsOf, type Record, resultRecord, stepRecords } from "../history/record.ts"
import { History } from "../history/store.ts"
import { annotations } from "../output/annotations.ts"
import type { Step } from "../output/steps.ts"

/** A verb that was run, when all is said. */
export interface Ran {
  request: VerbRequest
  /** What it found out, if it is one that finds something out. */
  result?: Result
  /** Path of the project on this machine, and a digest of what is in it. */
  source?: string
  digest?: string
  steps: Iterable<Step>
  /** Where what it made was written. */
  exported?: string
}

/** Remembers a run, tells the CI host of it, and adds to its page what the module does not know. */
export function afterwards(ran: Ran): void {
  const { request, result, source, exported } = ran
  const onGitHub = process.env.GITHUB_ACTIONS === "true"
  // The verdict is out already: a full disk or a folder that is read-only does not change it.
  const isWhole = result !== undefined && (result.runs.length > 0 || request.verb.name === "ci")
  if (isWhole && source !== undefined) quietly(() => remember(ran, result, source))
  if (result !== undefined && onGitHub) quietly(() => tellGitHub(result, source))
  if (request.verb.name === "reports" && exported !== undefined && source !== undefined)
    quietly(() => complete(ran, join(exported, "index.html"), source))
}

function quietly(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (process.argv.includes("--debug")) process.stderr.write(`${(error as Error).stack}\n`)
  }
}

function remember(ran: Ran, result: Result, source: string): void {
  const given = givenOf(ran.request)
  new History(source).add({
    v: 1,
    at: new Date().toISOString(),
    verb: ran.request.verb.name,
    given,
    ...(ran.digest === undefined ? {} : { inputs: inputsOf(ran.digest, given) }),
    ms: Math.round(performance.now()),
    ...resultRecord(result),
    steps: stepRecords(ran.steps),
  })
}

/** The flags of a request. A secret is no more than where it comes from, and not even that is kept. */
function givenOf({ verb, given }: VerbRequest): { [name: string]: string[] } {
  const secret = ({ name, type }: (typeof verb.args)[number]) =>
    name === "source" || (type.kind === "object" && type.name === "Secret")
  const hidden = new Set(verb.args.filter(secret).map(({ name }) => name))
  return Object.fromEntries([...given].filter(([name]) => !hidden.has(name)))
}

function tellGitHub(result: Result, source: string | undefined): void {
  const { GITHUB_WORKSPACE: workspace, GITHUB_STEP_SUMMARY: summary } = process.env
  const folder = workspace && source ? relative(workspace, source).split(sep).join("/") : ""
  for (const line of annotations(result, folder.startsWith("..") ? "" : folder))
    process.stderr.write(`${line}\n`)
  if (summary) appendFileSync(summary, markdown(result))
}

/** The steps of the run that made the reports: of an earlier one where this one had nothing left to do. */
function complete(ran: Ran, page: string, source: string): void {
  if (!existsSync(page)) return
  const records = new History(source).read()
  const own = stepRecords(ran.steps)
  const given = givenOf(ran.request)
  const inputs = ran.digest === undefined ? undefined : inputsOf(ran.digest, given)
  const isOf = (record: Record) =>
    inputs !== undefined &&
    record.inputs === inputs &&
    record.given.attempt?.join() === given.attempt?.join()
  const made = records.findLast(isOf)
  addSteps(page, made?.steps ?? own, records)
}
