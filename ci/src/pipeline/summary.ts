import {
  internal,
  noTests,
  testsAborted,
  testsCrashed,
  testsFailed,
  testsKilled,
} from "../errors.ts"
import type { Plan, RunnerKind } from "../project/plan.ts"

const VERDICTS = ["passed", "failed", "no-tests", "killed", "crashed", "aborted"] as const

/** The result.json that ci/probe/run_tests.py writes. */
export interface Summary {
  schema: 1
  runner: RunnerKind
  verdict: (typeof VERDICTS)[number]
  exitCode: number | null
  signal: string | null
  counts: Record<"passed" | "failed" | "errors" | "skipped" | "xfailed" | "xpassed", number>
  seconds: number
  failures: {
    id: string
    kind: "failed" | "error"
    file?: string
    line?: number
    message?: string
  }[]
  tail: string[]
}

/** Reads result.json. The project's own code ran beside its author, so it is checked and not trusted. */
export function parseSummary(text: string): Summary {
  try {
    const summary = JSON.parse(text) as Summary
    if (
      summary.schema === 1 &&
      VERDICTS.includes(summary.verdict) &&
      typeof summary.counts.passed === "number"
    ) {
      return summary
    }
  } catch {}
  throw internal("the test program wrote no summary", text.split("\n").slice(0, 5))
}

/** The last line of what `test` says: `42 passed, 1 failed in 3.1 s`. */
export function verdictOf({ counts, seconds }: Summary): string {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word === "errors" && count === 1 ? "error" : word}`)
  return `${parts.length === 0 ? "no tests" : parts.join(", ")} in ${seconds.toFixed(1)} s`
}

/** The verdict, or the error that a run which is not green is. */
export function judge(summary: Summary, plan: Plan): string {
  const verdict = verdictOf(summary)
  const { counts, runner, tail } = summary
  switch (summary.verdict) {
    case "passed":
      return `${runner} on Python ${plan.python}\n${verdict}`
    case "failed": {
      const ran = counts.passed + counts.failed + counts.errors + counts.xfailed + counts.xpassed
      throw testsFailed(summary.failures, counts.failed + counts.errors, ran, verdict)
    }
    case "no-tests":
      throw noTests(runner, whereLooked(plan), verdict)
    case "killed":
      throw testsKilled("the tests", tail.at(-1))
    case "crashed":
      throw testsCrashed(runner, summary.signal ?? "unknown signal", tail.at(-1))
    case "aborted":
      throw testsAborted(runner, summary.exitCode ?? -1, tail)
  }
}

function whereLooked(plan: Plan): string {
  if (plan.runner.kind === "pytest")
    return "where pytest's own configuration says, or in test_*.py and *_test.py files"
  if (plan.runner.kind !== "unittest") return `where ${plan.runner.kind}'s own configuration says`
  const start = plan.runner.args[plan.runner.args.indexOf("-s") + 1]
  return `for test*.py files in ${plan.runner.args.includes("-s") && start !== undefined ? `${start}/` : "the root and its packages"}`
}
