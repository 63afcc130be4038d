import {
  noTests,
  type TestRun,
  testsAborted,
  testsCrashed,
  testsFailed,
  testsKilled,
  testsRefused,
} from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import type { Coverage } from "./coverage.ts"
import { reproduceTests } from "./reproduce.ts"
import type { Counts, Run } from "./result.ts"
import type { TestOptions } from "./tests.ts"

/** The last line of what `test` says: `42 passed, 1 failed in 3.1 s`. */
export function verdictOf(
  { counts, seconds }: { counts: Counts; seconds: number },
  more: { on?: string; coverage?: Coverage | undefined } = {},
): string {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word === "errors" && count === 1 ? "error" : word}`)
  const tests = parts.length === 0 ? "no tests" : parts.join(", ")
  const on = more.on === undefined ? "" : ` ${more.on}`
  const covered = more.coverage === undefined ? "" : `, ${more.coverage.shown} % covered`
  return `${tests}${on}${covered} in ${seconds.toFixed(1)} s`
}

/** The verdict of a run, or the error that one which is not green is. */
export function judge(
  run: Run,
  plan: Plan,
  options: TestOptions,
  verdict: string = verdictOf(run),
): string {
  const { counts, tail, stopped } = run
  const runner = run.runner ?? plan.runner.kind
  if (run.verdict === "passed") return `${runner} on Python ${plan.python}\n${verdict}`
  const how = {
    runner,
    python: plan.python,
    reproduce: reproduceTests(run, plan, options),
    ...(stopped === undefined ? {} : { stopped }),
  }
  switch (run.verdict) {
    case "failed": {
      const ran = counts.passed + counts.failed + counts.errors + counts.xfailed + counts.xpassed
      throw testsFailed(run.failures, counts.failed + counts.errors, ran, verdict, how)
    }
    case "no-tests":
      throw noTests(runner, whereLooked(plan), verdict)
    case "killed":
      throw testsKilled(tail.at(-1), how)
    case "crashed":
      throw testsCrashed(run.signal ?? "unknown signal", tail.at(-1), how)
    default:
      if (stopped?.kind === "usage") throw testsRefused(withoutFile(how, options.args))
      throw testsAborted(run.exitCode ?? -1, tail.slice(-10), how)
  }
}

/** pytest names its configuration file also where it is a user's own argument that it does not take. */
function withoutFile(run: TestRun, args: readonly string[]): TestRun {
  const { file: _, ...stopped } = run.stopped ?? { kind: "usage" }
  return args.some((arg) => stopped.message?.includes(arg)) ? { ...run, stopped } : run
}

function whereLooked(plan: Plan): string {
  if (plan.runner.kind === "pytest")
    return "where pytest's own configuration says, or in test_*.py and *_test.py files"
  if (plan.runner.kind !== "unittest") return `where ${plan.runner.kind}'s own configuration says`
  const start = plan.runner.args[plan.runner.args.indexOf("-s") + 1]
  return `for test*.py files in ${plan.runner.args.includes("-s") && start !== undefined ? `${start}/` : "the root and its packages"}`
}
