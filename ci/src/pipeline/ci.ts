import type { Directory } from "@dagger.io/dagger"
import { commandLine, found } from "../caller.ts"
import { checksFailed, type WrongCheck } from "../errors.ts"
import { type Checked, type CheckResult, judgeCheck, settled } from "./check.ts"
import type { Checks } from "./checks.ts"
import { type Findings, reportFolder, resultIn } from "./report.ts"
import { isRed, type Run } from "./result.ts"
import { checkWithShell } from "./shell.ts"
import { lineOf } from "./suite.ts"

/**
 * Runs one check; its summary, or the error that one which is not green is.
 *
 * @param debug opens a shell before it says that it is red or could not check
 */
export async function runOne({ all }: Checks, debug = false): Promise<string> {
  const [only] = all
  if (only === undefined) throw new RangeError("no check given")
  const { result } = await checkWithShell(debug, only.run)
  return judgeCheck(result)
}

/**
 * Runs checks side by side; one that is red or cannot be run does not stop the others.
 *
 * @throws the one error where all of them meet the same, such as a manifest that cannot be read
 */
async function runAll({ all }: Checks): Promise<Checked[]> {
  const errors: unknown[] = []
  const noted = all.map(({ name, run }) => ({
    name,
    run: () =>
      run().catch((error: unknown) => {
        errors.push(error)
        throw error
      }),
  }))
  const checked = await Promise.all(noted.map(settled))
  const messages = new Set(errors.map((error) => (error instanceof Error ? error.message : error)))
  if (errors.length === all.length && messages.size === 1) throw errors[0]
  return checked
}

/** Runs checks side by side, and tells the caller what they found. */
export async function runTold(checks: Checks): Promise<Checked[]> {
  const checked = await runAll(checks)
  found(resultIn(findingsOf(checks, checked)))
  return checked
}

/** Runs checks side by side, tells the caller what they found, and judges all of them. */
export async function judgedTogether(checks: Checks): Promise<string> {
  const checked = await runTold(checks)
  return judgeAll(
    checked,
    checks.suite()?.versions.map(({ run }) => run),
  )
}

/** The report folder of all checks. */
export async function reportsOf(checks: Checks): Promise<Directory> {
  const checked = await runAll(checks)
  const plan = await checks.plan().catch(() => undefined)
  const findings = findingsOf(checks, checked)
  const tests = checked.filter((one) => !findings.checks.includes(one))
  const folder = reportFolder({ ...findings, plan })
  return tests.reduce((all, { reports }) => all.withDirectory("/", reports), folder)
}

/** All that checks found out. Tests that ran are told of one by one. */
function findingsOf(
  { suite }: Checks,
  checked: readonly Checked[],
): Findings & { checks: Checked[] } {
  const { versions = [], measured, error } = suite() ?? {}
  const checks = checked.filter(({ result }) => result.check !== "test" || suite() === undefined)
  return { versions, measured, error, checks }
}

/** The table of all checks, or the error that one which is not green is. */
export function judgeAll(
  checked: readonly Pick<Checked, "result">[],
  runs: readonly Run[] = [],
): string {
  const results = checked.map(({ result }) => result)
  // Each version of Python has its line below that of the tests.
  const versions = runs.length > 1 ? runs.map(versionRow) : []
  const table = tableOf(
    results.flatMap((one) => (one.check === "test" ? [one, ...versions] : [one])),
  )
  const wrong = results.flatMap(wrongWith)
  if (wrong.length > 0) throw checksFailed(wrong, results.length, table)
  const passed = results.filter(({ outcome }) => outcome === "passed").length
  const skipped = results.length - passed
  const verdict = `${passed} ${passed === 1 ? "check" : "checks"} passed`
  return [...table, skipped === 0 ? verdict : `${verdict}, ${skipped} skipped`].join("\n")
}

function wrongWith(result: CheckResult): WrongCheck[] {
  const { outcome, reproduce, ...rest } = result
  if (outcome !== "failed" && outcome !== "errored") return []
  return [{ ...rest, outcome, reproduce: reproduce ?? commandLine(result.check, {}) }]
}

/** One line a check: what came of it, in how many seconds, and its own summary. */
function versionRow(run: Run): Row {
  const { python, shard, verdict, seconds } = run
  return {
    check: `  ${python}${shard === undefined ? "" : ` ${shard.index}/${shard.count}`}`,
    outcome: isRed(run) ? "failed" : verdict === "passed" ? "passed" : "errored",
    seconds,
    summary: lineOf(run),
  }
}

type Row = Pick<CheckResult, "check" | "outcome" | "seconds" | "summary">

function tableOf(results: readonly Row[]): string[] {
  const rows = results.map(({ check, outcome, seconds, summary }) => [
    check,
    outcome,
    `${seconds.toFixed(1)} s`,
    summary,
  ])
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  const [name, outcome, time] = [width(0), width(1), width(2)]
  return rows.map(([check = "", state = "", seconds = "", summary = ""]) =>
    `${check.padEnd(name)}  ${state.padEnd(outcome)}  ${seconds.padStart(time)}  ${summary}`.trimEnd(),
  )
}
