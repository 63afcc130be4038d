import type { CheckResult } from "./check.ts"
import type { Coverage } from "./coverage.ts"
import type { Run } from "./result.ts"

/** What the tests did instead of passing or failing. */
const SAYS: Partial<Record<Run["verdict"], string>> = {
  "no-tests": "found nothing to run",
  killed: "were killed",
  crashed: "crashed",
  aborted: "stopped before they were done",
  errored: "could not be run",
}

/** A run in one sentence: `3 of 305 tests failed on Python 3.13, lint failed and types could not run`. */
export function titleOf(
  runs: readonly Run[],
  checks: readonly CheckResult[],
  coverage?: Coverage,
): string {
  const wrong = [
    ...brokenRuns(runs),
    ...redTests(runs),
    ...lowCoverage(coverage),
    ...wrongChecks(checks),
  ]
  if (wrong.length > 0) return capital(listed(wrong))
  const tests = Math.max(
    0,
    ...runs.map(({ counts }) => counts.passed + counts.xfailed + counts.xpassed),
  )
  const passed = checks.filter(({ outcome }) => outcome === "passed")
  const said = [
    ...(tests > 0 ? [tests === 1 ? "1 test passed" : `all ${number(tests)} tests passed`] : []),
    ...(passed.length > 0
      ? [passed.length === 1 ? `${passed[0]?.check} passed` : `${passed.length} checks passed`]
      : []),
  ]
  return said.length === 0 ? "Nothing failed" : capital(listed(said))
}

function brokenRuns(runs: readonly Run[]): string[] {
  const words = new Map<string, Run[]>()
  for (const run of runs) {
    const said = SAYS[run.verdict]
    if (said !== undefined) words.set(said, [...(words.get(said) ?? []), run])
  }
  return [...words].map(([said, some]) => `the tests ${said}${on(some, runs)}`)
}

function redTests(runs: readonly Run[]): string[] {
  const red = runs.filter(({ verdict }) => verdict === "failed")
  if (red.length === 0) return []
  // A run tells of so many only.
  const named = new Set(red.flatMap(({ failures }) => failures.map(({ id }) => id))).size
  const failed = Math.max(1, named, ...red.map(({ counts }) => counts.failed + counts.errors))
  const ran = Math.max(failed, ...red.map(ranIn))
  return [
    `${number(failed)} of ${number(ran)} ${ran === 1 ? "test" : "tests"} failed${on(red, runs)}`,
  ]
}

const lowCoverage = (coverage: Coverage | undefined): string[] =>
  coverage?.enough === false
    ? [`${coverage.shown} % is covered of the ${coverage.needed?.percent} % that is needed`]
    : []

function wrongChecks(checks: readonly CheckResult[]): string[] {
  const names = (outcome: CheckResult["outcome"]): string[] =>
    checks.filter((check) => check.outcome === outcome).map(({ check }) => check)
  const [failed, errored] = [names("failed"), names("errored")]
  return [
    ...(failed.length > 0 ? [`${listed(failed)} failed`] : []),
    ...(errored.length > 0 ? [`${listed(errored)} could not run`] : []),
  ]
}

/** How many tests of a run were not skipped. */
export const ranIn = ({ counts }: Run): number =>
  counts.passed + counts.failed + counts.errors + counts.xfailed + counts.xpassed

const on = (some: readonly Run[], all: readonly Run[]): string =>
  some.length === all.length ? "" : ` on Python ${listed(some.map(({ python }) => python))}`

function listed(words: readonly string[]): string {
  const shown = words.length > 5 ? [...words.slice(0, 4), `${words.length - 4} more`] : words
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`
}

const number = (count: number): string => count.toLocaleString("en-US")
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
