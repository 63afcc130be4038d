import { noTests, testsAborted, testsCrashed, testsFailed, testsKilled } from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import type { Counts, Run } from "./result.ts"

/** The last line of what `test` says: `42 passed, 1 failed in 3.1 s`. */
export function verdictOf({ counts, seconds }: { counts: Counts; seconds: number }): string {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word === "errors" && count === 1 ? "error" : word}`)
  return `${parts.length === 0 ? "no tests" : parts.join(", ")} in ${seconds.toFixed(1)} s`
}

/** The verdict of a run, or the error that one which is not green is. */
export function judge(run: Run, plan: Plan): string {
  const verdict = verdictOf(run)
  const { counts, tail } = run
  const runner = run.runner ?? plan.runner.kind
  switch (run.verdict) {
    case "passed":
      return `${runner} on Python ${plan.python}\n${verdict}`
    case "failed": {
      const ran = counts.passed + counts.failed + counts.errors + counts.xfailed + counts.xpassed
      throw testsFailed(run.failures, counts.failed + counts.errors, ran, verdict)
    }
    case "no-tests":
      throw noTests(runner, whereLooked(plan), verdict)
    case "killed":
      throw testsKilled("the tests", tail.at(-1))
    case "crashed":
      throw testsCrashed(runner, run.signal ?? "unknown signal", tail.at(-1))
    default:
      throw testsAborted(runner, run.exitCode ?? -1, tail)
  }
}

function whereLooked(plan: Plan): string {
  if (plan.runner.kind === "pytest")
    return "where pytest's own configuration says, or in test_*.py and *_test.py files"
  if (plan.runner.kind !== "unittest") return `where ${plan.runner.kind}'s own configuration says`
  const start = plan.runner.args[plan.runner.args.indexOf("-s") + 1]
  return `for test*.py files in ${plan.runner.args.includes("-s") && start !== undefined ? `${start}/` : "the root and its packages"}`
}
