import type { Directory } from "@dagger.io/dagger"
import {
  coverageLow,
  coverageMissing,
  PylineError,
  usage,
  type VersionError,
  versionErrored,
  versionsFailed,
} from "../errors.ts"
import { neededWith, refusesCoverage } from "../project/coverage.ts"
import { combined, type Measured } from "./coverage.ts"
import { explain } from "./failure.ts"
import { testVersions, type Version } from "./matrix.ts"
import { runsFrom } from "./merge.ts"
import { type Run, resultOf } from "./result.ts"
import { parseShard } from "./shard.ts"
import { judge, verdictOf } from "./summary.ts"
import type { TestOptions } from "./tests.ts"

/** A suite that has run on all versions that were asked for. */
export interface Suite {
  versions: Version[]
  options: TestOptions
  measured?: Measured
  /** Why coverage could not be combined, or is missing. */
  error?: unknown
}

/** What `test` and `reports` are called with. */
export interface SuiteRequest extends Omit<TestOptions, "shard"> {
  shard?: string | undefined
  /** Reports of runs elsewhere, to be taken instead of running anything. */
  from?: Directory | undefined
}

/**
 * Runs the tests on versions side by side, or takes the runs of others, and combines what they cover.
 *
 * @param pythons as in testVersions
 * @throws USAGE, and what keeps all of the runs from saying anything
 */
export async function runSuite(
  source: Directory,
  pythons: readonly string[],
  { from, shard, ...request }: SuiteRequest,
): Promise<Suite> {
  const options = { ...request, shard: parseShard(shard) }
  if (options.attempt !== undefined && !/^[\w.-]{1,64}$/.test(options.attempt))
    throw usage(
      `--attempt ${JSON.stringify(options.attempt)}: not a word`,
      "use letters, digits, dots and dashes, such as --attempt 2",
    )
  if (options.durations !== undefined && options.shard === undefined)
    throw usage(
      "--durations is only of use for --shard",
      "say which part to run, such as --shard 1/5",
    )
  if (from === undefined)
    return withCoverage(await testVersions(source, pythons, options), source, options)
  if (options.shard !== undefined || pythons.length > 0)
    throw usage("--from takes the runs as they are", "leave out --shard and --python")
  return withCoverage(await runsFrom(source, from), source, options)
}

async function withCoverage(
  versions: Version[],
  source: Directory,
  options: TestOptions,
): Promise<Suite> {
  // A part of a suite covers a part: that of all is known where all come together.
  if (options.shard !== undefined) return { versions, options }
  try {
    const measured = await combined(versions, source, options)
    if (measured !== undefined) return { versions, options, measured }
  } catch (error) {
    return { versions, options, error: explain(error, undefined) }
  }
  const planned = versions.find(({ plan }) => plan?.coverage !== undefined)?.plan?.coverage
  const needed = planned === undefined ? undefined : neededWith(planned, options.args).needed
  const asked = needed !== undefined && !refusesCoverage(options.args)
  return asked
    ? { versions, options, error: coverageMissing(needed.from, []) }
    : { versions, options }
}

/** The verdict, with one line a version where there are several, or the error that it is. */
export function judgeSuite({ versions, options, measured, error }: Suite): string {
  const coverage = measured?.coverage
  const runs = versions.map(({ run }) => run)
  const table = runs.length > 1 ? runs.map((run) => `${labelOf(run)}  ${lineOf(run)}`) : []
  const verdict = totalOf(runs, measured)
  const [only] = versions
  if (only !== undefined && versions.length === 1) {
    if (only.error !== undefined || only.plan === undefined) throw only.error
    table.push(judge(only.run, only.plan, options, verdict))
  } else {
    const wrong = versions.flatMap((version) => wrongWith(version, options) ?? [])
    if (wrong.length > 0) throw versionsFailed(wrong, table, verdict)
    table.push(verdict)
  }
  if (error !== undefined) throw withTable(error, table)
  if (coverage?.enough === false) throw coverageLow(coverage, table)
  return table.join("\n")
}

/** What is wrong beside the tests does not hide what came of them. */
function withTable(error: unknown, table: readonly string[]): unknown {
  if (!(error instanceof PylineError)) return error
  const { code, text } = error
  return new PylineError(code, { ...text, tail: [...(text.tail ?? []), ...table] })
}

const labelOf = (run: Run): string =>
  run.shard === undefined
    ? `Python ${run.python.padEnd(4)}`
    : `Python ${run.python.padEnd(4)} ${run.shard.index}/${run.shard.count}`

/** A version's line: its verdict, or in a few words what it has instead. */
export function lineOf(run: Run): string {
  if (run.verdict === "passed" || run.verdict === "failed") return verdictOf(run)
  if (run.verdict === "errored") return `not run: ${run.error?.code ?? "error"}`
  return run.verdict.replace("-", " ")
}

function totalOf(runs: readonly Run[], measured: Measured | undefined): string {
  const pythons = new Set(runs.map(({ python }) => python))
  const ran = new Set(
    runs.filter(({ verdict }) => verdict !== "errored").map(({ python }) => python),
  )
  const on = ran.size === pythons.size ? `${ran.size}` : `${ran.size} of ${pythons.size}`
  return verdictOf(resultOf(runs), {
    coverage: measured?.coverage,
    ...(pythons.size > 1 ? { on: `on ${on} versions of Python` } : {}),
  })
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
