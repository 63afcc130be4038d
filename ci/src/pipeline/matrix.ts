import type { Container, Directory } from "@dagger.io/dagger"
import { PylineError, serviceLost, usage } from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import { minorOf } from "../project/python.ts"
import { explain, lastOfKilledTests } from "./failure.ts"
import { readPlan } from "./read.ts"
import { noCounts, parseRuns, type Run } from "./result.ts"
import { nameOf, type Shard } from "./shard.ts"
import { reportsOf, runsOf, type TestOptions, tested } from "./tests.ts"

/** The word for all versions that the project says it supports. */
const ALL = "matrix"

/** The tests on one version of Python. */
export interface Version {
  run: Run
  plan?: Plan
  /** After the tests; absent where they could not be started. */
  container?: Container
  /** What it left. */
  reports?: Directory
  /** Why they could not be. */
  error?: unknown
  /** The step that failed when the tests were killed. */
  killed?: unknown
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
  const chosen = await versionsOf(source, pythons).catch((error: unknown) => {
    throw explain(error, undefined)
  })
  const versions = await Promise.all(chosen.map((python) => testVersion(source, python, options)))
  const first = versions[0]
  // A manifest that cannot be read is one error, and not one a version.
  if (
    first !== undefined &&
    first.reports === undefined &&
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
  if (words.length === 0) return [undefined]
  if (!words.includes(ALL)) return [...new Set(words.map(minorOf))]
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
    const reports = reportsOf(container)
    const made = { ...run, python: plan.python }
    return run.lost === undefined
      ? { plan, run: made, container, reports }
      : { plan, container, reports, ...withoutService(made, run.lost) }
  } catch (thrown) {
    const tail = lastOfKilledTests(thrown)
    // A verdict like any other: it has its line and its reports.
    if (tail !== undefined && plan !== undefined)
      return { plan, run: killed(plan, tail, options.shard), killed: thrown }
    const error = explain(thrown, plan)
    const version = plan?.python ?? python ?? ""
    return {
      run: errored(version, error, options.shard),
      ...(plan === undefined ? {} : { plan }),
      error,
    }
  }
}

/** A run that lost a service has no verdict, whatever its tests said. */
function withoutService(run: Run, lost: string[]): { run: Run; error: PylineError } {
  const error = serviceLost(lost, run.failures, run.counts.failed + run.counts.errors)
  const { code, message } = error
  return { run: { ...run, verdict: "errored", error: { code, message } }, error }
}

const killed = ({ python, runner }: Plan, tail: string[], shard: Shard | undefined): Run => ({
  name: nameOf(python, shard),
  python,
  runner: runner.kind,
  verdict: "killed",
  signal: "SIGKILL",
  counts: noCounts(),
  seconds: 0,
  failures: [],
  tail: tail.slice(-10),
  ...(shard === undefined ? {} : { shard: { ...shard, tests: 0, of: 0 } }),
})

function errored(python: string, error: unknown, shard: Shard | undefined): Run {
  const message = error instanceof Error ? error.message : String(error)
  return {
    name: nameOf(python, shard),
    python,
    verdict: "errored",
    counts: noCounts(),
    seconds: 0,
    failures: [],
    tail: [],
    error: { code: error instanceof PylineError ? error.code : "VERSION_ERRORED", message },
    ...(shard === undefined ? {} : { shard: { ...shard, tests: 0, of: 0 } }),
  }
}
