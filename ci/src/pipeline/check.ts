import { type Container, type Directory, dag } from "@dagger.io/dagger"
import { ANSWER, found } from "../caller.ts"
import {
  checkErrored,
  checkFailed,
  EXIT_CLASS,
  type Finding,
  findingLines,
  internal,
  PylineError,
} from "../errors.ts"
import { number, object, optional, text, whole } from "./checked.ts"
import { explain, isExecFailure } from "./failure.ts"
import { resultOf } from "./result.ts"
import { patiently } from "./retry.ts"
import type { Step } from "./step.ts"

/** `errored` is "could not check": it never counts as passed. */
export type Outcome = "passed" | "failed" | "errored" | "skipped"
const OUTCOMES = ["passed", "failed", "errored", "skipped"] as const satisfies readonly Outcome[]

/** What came of a check. It is written as `check-<name>.json`, with `schema: 1`; docs/checks.md describes it. */
export interface CheckResult {
  check: string
  outcome: Outcome
  /** One line, without the name of the check. */
  summary: string
  /** What it took when it ran; the same again where the answer comes from a cache. */
  seconds: number
  findings: Finding[]
  /** How many more there were. */
  dropped?: number
  /** Where findings do not say it all: why it errored, or the last lines of a tool. */
  detail?: string
  /** Of an errored check: who has to change something. The machine or the network (exit status 3) where absent. */
  cause?: "project" | "machine"
  /** What to type to see the same without Pyline. */
  reproduce?: string
}

/** A check that has run, with a directory of `check-<name>.json`, and `<name>.sarif` where there are findings. */
export interface Checked {
  result: CheckResult
  reports: Directory
  /** The container in which its program ran, and how. */
  ran?: Step
}

/** Something that `ci` runs beside others. `run` throws nothing but errors that keep it from saying anything. */
export interface Check {
  name: string
  run(): Promise<Checked>
}

/** Where a check's program (ci/probe/checks) leaves its reports. */
export const REPORTS = "/reports"

/** Exit status of a program that could not check; an engine runs such a step again each time and caches nothing. */
const ERRORED = 75

/**
 * Runs a check's program as the next step of a container and reads what it says.
 *
 * The program ends with 0 for passed, failed and skipped, and its files are in /reports; with 75 for errored, and the
 * last line that it prints is `pyline-check: ` with the result.
 *
 * @throws what `explain` makes of a step before it that failed, such as an install
 */
export async function ran(
  container: Container,
  check: string,
  command: readonly string[],
): Promise<Checked> {
  const done = container.withExec([...command])
  const ran = { before: container, command: [...command] }
  try {
    const text = await patiently(() => done.file(`${REPORTS}/check-${check}.json`).contents())
    return { result: parseCheckResult(text, check), reports: done.directory(REPORTS), ran }
  } catch (error) {
    // Steps before this one fail as well, and are not this program's.
    if (!isExecFailure(error) || !command.every((word, index) => error.cmd[index] === word))
      throw error
    if (error.exitCode === ERRORED) {
      const line = error.stdout.split("\n").findLast((text) => text.startsWith(ANSWER))
      if (line !== undefined)
        return { ...withReports(parseCheckResult(line.slice(ANSWER.length), check)), ran }
    }
    if (error.exitCode === 137 || error.exitCode === 9) {
      return { ...withReports(unable(check, "killed, probably out of memory")), ran }
    }
    throw error
  }
}

/** Findings that are read, twice as many as a check's program writes. */
const MOST = 4000

/** Reads check-<name>.json. Project code may have run beside its author, so it is checked and not trusted. */
export function parseCheckResult(document: string, check: string): CheckResult {
  try {
    const raw = object(JSON.parse(document))
    const outcome = OUTCOMES.find((known) => known === raw.outcome)
    const causes = ["project", "machine"] as const
    const cause = causes.find((known) => known === raw.cause)
    if (raw.schema === 1 && raw.check === check && outcome !== undefined)
      return {
        check,
        outcome,
        summary: text(raw.summary),
        seconds: Math.max(0, number(raw.seconds)),
        findings: (raw.findings as unknown[]).slice(0, MOST).map(finding),
        ...optional("dropped", raw.dropped, whole),
        ...optional("detail", raw.detail, text),
        ...(cause === undefined ? {} : { cause }),
        ...optional("reproduce", raw.reproduce, text),
      }
  } catch {}
  throw internal(
    `the program of the check ${check} wrote no result`,
    document.split("\n").slice(0, 5),
  )
}

function finding(value: unknown): Finding {
  const raw = object(value)
  const known = ["error", "warning", "note"] as const
  return {
    ...optional("file", raw.file, text),
    ...optional("line", raw.line, whole),
    ...optional("column", raw.column, whole),
    ...optional("rule", raw.rule, text),
    message: text(raw.message),
    severity: known.find((severity) => severity === raw.severity) ?? "error",
    ...optional("tool", raw.tool, text),
  }
}

/** What a verb says of its check, after the caller has been told: the summary, or the error that one which is not green is. */
export function judgeCheck(result: CheckResult): string {
  const { check, outcome, summary, findings, detail, cause, reproduce } = result
  found(resultOf([], [result]))
  if (outcome === "failed") throw checkFailed(check, findings, summary, detail, reproduce)
  if (outcome === "errored") throw checkErrored(check, summary, detail, cause, reproduce)
  return outcome === "skipped" ? `${check} skipped: ${summary}` : `${check}: ${summary}`
}

/** The same, with the warnings of one that is green: for a verb that gives something else than a text. */
export function noticeOf(result: CheckResult): string {
  const said = judgeCheck(result)
  const warnings = result.findings.filter(({ severity }) => severity === "warning")
  return [...findingLines(warnings).map((line) => `warning: ${line.trim()}`), said].join("\n")
}

/**
 * Runs a check for `ci` and `reports`: an error becomes a result that says so, so that the others go on.
 */
export async function settled(check: Check): Promise<Checked> {
  try {
    return await check.run()
  } catch (error) {
    return withReports(resultOfError(check.name, error))
  }
}

/** What an error means as the result of a check: red where its code says so, else errored. */
export function resultOfError(check: string, thrown: unknown): CheckResult {
  const error = explain(thrown, undefined)
  const message = error instanceof Error ? error.message : String(error)
  if (!(error instanceof PylineError))
    return { ...unable(check, firstLine(message)), detail: message }
  const exit = EXIT_CLASS[error.code]
  const { means = [], fix, reproduce } = error.text
  const rest = [
    ...means.map((line) => line.replace(/^ {2}/, "")),
    ...(fix === undefined ? [] : [`fix: ${fix}`]),
  ]
  return {
    check,
    outcome: exit === 1 ? "failed" : "errored",
    summary: error.text.found,
    seconds: 0,
    findings: [],
    ...(rest.length === 0 ? {} : { detail: rest.join("\n") }),
    ...(reproduce === undefined ? {} : { reproduce }),
    cause: exit === 2 ? "project" : "machine",
  }
}

const unable = (check: string, summary: string): CheckResult => ({
  check,
  outcome: "errored",
  summary,
  seconds: 0,
  findings: [],
  cause: "machine",
})

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? ""

/** A result that no container wrote, with the file it would have written. */
export function withReports(result: CheckResult): Checked {
  const text = `${JSON.stringify({ schema: 1, ...result }, undefined, 2)}\n`
  return { result, reports: dag.directory().withNewFile(`check-${result.check}.json`, text) }
}
