import type { Directory } from "@dagger.io/dagger"
import { PylineError, usage, type VersionError, versionErrored, versionsFailed } from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import { explain, lastOfKilledTests } from "./failure.ts"
import { readPlan } from "./read.ts"
import { noCounts, parseRuns, type Run, resultOf } from "./result.ts"
import { judge, verdictOf } from "./summary.ts"
import { reportsOf, runsOf, type TestOptions, tested } from "./tests.ts"

/** The word for all versions that the project says it supports. */
const ALL = "matrix"

/** The tests on one version of Python. */
export interface Version {
  run: Run
  plan?: Plan
  /** What its container left; absent where the tests could not be started. */
  reports?: Directory
  /** Why they could not be. */
  error?: unknown
}

/**
 * Runs the tests on versions side by side. One that is red or cannot be run does not stop the others.
 *
 * @param pythons versions, or the word `matrix`; none for the one that the plan has
 * @throws what is wrong with the project where that keeps all of them from running
 */
export async function testVersions(
  source: Directory,
  pythons: readonly string[],
  options: TestOptions,
): Promise<Version[]> {
  const chosen = await versionsOf(source, pythons)
  const versions = await Promise.all(chosen.map((python) => testVersion(source, python, options)))
  const first = versions[0]
  // A manifest that cannot be read is one error, and not one a version.
  if (
    first !== undefined &&
    versions.every(({ run }) => run.error?.message === first.run.error?.message)
  )
    if (first.error !== undefined) throw first.error
  return versions.filter(
    ({ run }, index) => versions.findIndex((other) => other.run.name === run.name) === index,
  )
}

async function versionsOf(
  source: Directory,
  pythons: readonly string[],
): Promise<(string | undefined)[]> {
  const words = pythons.flatMap((word) => word.split(",")).map((word) => word.trim())
  if (!words.includes(ALL)) return words.length === 0 ? [undefined] : [...new Set(words)]
  if (words.length > 1)
    throw usage(
      `--python ${words.join(",")}: ${ALL} is all versions already`,
      `use --python ${ALL}`,
    )
  return (await readPlan(source, undefined)).matrix
}

async function testVersion(
  source: Directory,
  python: string | undefined,
  options: TestOptions,
): Promise<Version> {
  let plan: Plan | undefined
  try {
    plan = await readPlan(source, python)
    const container = await tested(plan, source, options)
    const run = parseRuns(await runsOf(container))[0]
    if (run === undefined) throw new RangeError("the result has no run")
    return { plan, run: { ...run, python: plan.python }, reports: reportsOf(container) }
  } catch (thrown) {
    const tail = lastOfKilledTests(thrown)
    // A verdict like any other: it has its line and its reports.
    if (tail !== undefined && plan !== undefined) return { plan, run: killed(plan, tail) }
    const error = explain(thrown, plan)
    const version = plan?.python ?? python ?? ""
    return { run: errored(version, error), ...(plan === undefined ? {} : { plan }), error }
  }
}

const killed = ({ python, runner }: Plan, tail: string[]): Run => ({
  name: `python-${python}`,
  python,
  runner: runner.kind,
  verdict: "killed",
  signal: "SIGKILL",
  counts: noCounts(),
  seconds: 0,
  failures: [],
  tail: tail.slice(-10),
})

function errored(python: string, error: unknown): Run {
  const message = error instanceof Error ? error.message : String(error)
  return {
    name: `python-${python}`,
    python,
    verdict: "errored",
    counts: noCounts(),
    seconds: 0,
    failures: [],
    tail: [],
    error: { code: error instanceof PylineError ? error.code : "VERSION_ERRORED", message },
  }
}

/** The verdict, one line a version where there are several, or the error that it is. */
export function judgeVersions(versions: readonly Version[], options: TestOptions): string {
  const [only, ...others] = versions
  if (only !== undefined && others.length === 0) {
    if (only.error !== undefined || only.plan === undefined) throw only.error
    return judge(only.run, only.plan, options)
  }
  const table = versions.map(({ run }) => `Python ${run.python.padEnd(4)}  ${lineOf(run)}`)
  const verdict = totalOf(versions)
  const wrong = versions.flatMap((version) => wrongWith(version, options) ?? [])
  if (wrong.length > 0) throw versionsFailed(wrong, table, verdict)
  return [...table, verdict].join("\n")
}

/** A version's line: its verdict, or in a few words what it has instead. */
function lineOf(run: Run): string {
  if (run.verdict === "passed" || run.verdict === "failed") return verdictOf(run)
  if (run.verdict === "errored") return `not run: ${run.error?.code ?? "error"}`
  return run.verdict.replace("-", " ")
}

function totalOf(versions: readonly Version[]): string {
  const runs = versions.map(({ run }) => run)
  const ran = runs.filter(({ verdict }) => verdict !== "errored").length
  const on = ran === runs.length ? `${ran}` : `${ran} of ${runs.length}`
  return verdictOf(resultOf(runs)).replace(/ in [\d.]+ s$/, ` on ${on} versions of Python$&`)
}

function wrongWith({ run, plan, error }: Version, options: TestOptions): VersionError | undefined {
  const { python, failures, counts } = run
  const ran = counts.passed + counts.failed + counts.errors + counts.xfailed + counts.xpassed
  try {
    if (error !== undefined || plan === undefined) throw error
    judge(run, plan, options)
    return undefined
  } catch (thrown) {
    const known = thrown instanceof PylineError ? thrown : versionErrored(run.error?.message ?? "")
    return { python, error: known, failures, red: counts.failed + counts.errors, ran }
  }
}
