import { type Container, type Directory, dag, ReturnType } from "@dagger.io/dagger"
import {
  internal,
  noTests,
  testsAborted,
  testsCrashed,
  testsFailed,
  testsKilled,
} from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import { asset } from "./asset.ts"
import { ENVIRONMENT, SOURCE } from "./base.ts"
import { installed } from "./install.ts"
import { HOME } from "./toolbox.ts"

const REPORTS = "/reports"
const PROGRAM = `${HOME}/run_tests.py`

/** What the runner program prints (ci/probe/run_tests.py). */
export interface Summary {
  schema: 1
  runner: "pytest" | "unittest"
  verdict: "passed" | "failed" | "no-tests" | "killed" | "crashed" | "aborted"
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

/** What decides a run of the tests, beside the project. Two calls with the same of these share one run. */
export interface TestOptions {
  args: string[]
  allowNoTests: boolean
}

/** The container after the tests: its stdout is the summary, its stderr the log, and it never fails for red tests. */
export async function tested(
  plan: Plan,
  source: Directory,
  options: TestOptions,
): Promise<Container> {
  const program = dag
    .directory()
    .withNewFile("run_tests.py", asset("run_tests.py"))
    .file("run_tests.py")
  let container = (await installed(plan, source))
    .withMountedFile(PROGRAM, program)
    .withDirectory(SOURCE, source)
    .withWorkdir(SOURCE)
  if (plan.pythonPath.length > 0) {
    const path = plan.pythonPath.map((directory) => `${SOURCE}/${directory}`).join(":")
    container = container.withEnvVariable("PYTHONPATH", path)
  }
  return container.withExec(
    [
      ...[`${ENVIRONMENT}/bin/python`, "-I", "-S", PROGRAM, "--runner", plan.runner.kind],
      ...["--reports", REPORTS, "--name", `python-${plan.python}`],
      ...(options.allowNoTests ? ["--allow-no-tests"] : []),
      ...["--", ...plan.runner.args, ...options.args],
    ],
    { expect: ReturnType.Any },
  )
}

/** The reports directory of the run. */
export function reportsOf(container: Container): Directory {
  return container.directory(REPORTS)
}

/** Reads the summary. The project's own code ran beside its author, so it is checked and not trusted. */
export function parseSummary(stdout: string): Summary {
  const line = stdout.trimEnd().split("\n").at(-1) ?? ""
  try {
    const summary = JSON.parse(line) as Summary
    if (
      summary.schema === 1 &&
      typeof summary.verdict === "string" &&
      typeof summary.counts.passed === "number"
    ) {
      return summary
    }
  } catch {}
  throw internal("the test program printed no summary", stdout.split("\n").slice(-5))
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
  const start = plan.runner.args[plan.runner.args.indexOf("-s") + 1]
  return `for test*.py files in ${plan.runner.args.includes("-s") && start !== undefined ? `${start}/` : "the root and its packages"}`
}
