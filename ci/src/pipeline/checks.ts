import type { Directory, Secret } from "@dagger.io/dagger"
import { PylineError, usage } from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import { audited } from "./audit.ts"
import { built } from "./build.ts"
import {
  type Check,
  type Checked,
  type CheckResult,
  judgeCheck,
  resultOfError,
  withReports,
} from "./check.ts"
import { checkedBy, formatted, lockChecked } from "./checkTools.ts"
import { explain } from "./failure.ts"
import { readPlan } from "./read.ts"
import { resultOf } from "./result.ts"
import { judgeSuite, runSuite, type Suite, type SuiteRequest } from "./suite.ts"

/** What decides what checks say, beside the project. */
export interface CheckOptions extends Partial<SuiteRequest> {
  /** Versions for the tests; a single one is for all checks. */
  python?: string | readonly string[] | undefined
}

/** The checks of a project, in the order in which they are told of. */
export interface Checks {
  all: Check[]
  /** The tests, once they have run. */
  suite(): Suite | undefined
  plan(): Promise<Plan>
}

/** What it says changes with the weather, so it is no part of all checks. */
const ASKED_FOR = "audit"

/** All checks, or those that are asked for by name. */
export function checksOf(
  source: Directory,
  options: CheckOptions,
  only: readonly string[] = [],
): Checks {
  const { python, ...tests } = options
  const { indexCredentials } = tests
  let suite: Suite | undefined
  let reading: Promise<Plan> | undefined
  const pythons = [python ?? []].flat()
  const plan = (): Promise<Plan> => {
    reading ??= readPlan(source, single(pythons))
    return reading
  }
  const check = (name: string, work: (plan: Plan) => Promise<Checked>): Check => ({
    name,
    run: () => explained(plan, work),
  })
  const all = [
    { name: "lock", run: () => lockCheck(plan, source, indexCredentials) },
    check("lint", (made) => checkedBy("lint", made, source, indexCredentials)),
    check("format", async (made) => (await formatted(made, source, indexCredentials)).checked),
    check("types", (made) => checkedBy("types", made, source, indexCredentials)),
    {
      name: "test",
      run: async () => {
        const request = { args: [], allowNoTests: false, ...tests }
        suite = await runSuite(source, pythons, request)
        return testCheck(suite)
      },
    },
    check("build", (made) => built(made, source, { indexCredentials })),
    check(ASKED_FOR, (made) => audited(made, source, indexCredentials)),
  ]
  const { args = [], shard, durations, attempt, from } = tests
  const special = args.length > 0 || [shard, durations, attempt, from].some((one) => one)
  const names = only.length === 0 && special ? ["test"] : only
  return { all: chosen(all, names), suite: () => suite, plan }
}

/** Several versions are for the tests; the other checks look at the project once. */
function single(pythons: readonly string[]): string | undefined {
  const words = pythons.flatMap((word) => word.split(","))
  return words.length === 1 && words[0] !== "matrix" ? words[0] : undefined
}

function chosen(all: readonly Check[], only: readonly string[]): Check[] {
  const names = only.flatMap((word) => word.split(",")).map((word) => word.trim())
  const unknown = names.find((name) => !all.some((check) => check.name === name))
  if (unknown !== undefined) {
    throw usage(
      `--only ${unknown}: no check of that name`,
      `use ${all.map(({ name }) => name).join(", ")}`,
    )
  }
  return all.filter(({ name }) => (names.length === 0 ? name !== ASKED_FOR : names.includes(name)))
}

/** The project as its formatters leave it. */
export function formattedTree(source: Directory, options: CheckOptions): Promise<Directory> {
  const { python, indexCredentials } = options
  return explained(
    () => readPlan(source, single([python ?? []].flat())),
    async (plan) => {
      const { checked, tree } = await formatted(plan, source, indexCredentials)
      if (checked.result.outcome === "errored") judgeCheck(checked.result)
      return tree
    },
  )
}

/** Errors of steps that are not the check's own are told in words. */
async function explained<T>(
  plan: () => Promise<Plan>,
  work: (plan: Plan) => Promise<T>,
): Promise<T> {
  let made: Plan | undefined
  try {
    made = await plan()
    return await work(made)
  } catch (error) {
    throw explain(error, made)
  }
}

/** That a lock is stale is what this check is for, also where it shows before there is a plan. */
async function lockCheck(
  plan: () => Promise<Plan>,
  source: Directory,
  credentials: Secret | undefined,
): Promise<Checked> {
  try {
    return await explained(plan, (made) => lockChecked(made, source, credentials))
  } catch (error) {
    if (!(error instanceof PylineError) || error.code !== "LOCK_STALE") throw error
    const { found, fix } = error.text
    return withReports({
      check: "lock",
      outcome: "failed",
      summary: found,
      seconds: 0,
      findings: [{ message: fix ?? found, severity: "error", rule: "lock-stale" }],
    })
  }
}

/** The tests as one of the checks. */
function testCheck(suite: Suite): Checked {
  const { seconds, runs } = resultOf(suite.versions.map(({ run }) => run))
  const findings = runs.flatMap(({ failures }) =>
    failures.map(({ id, file, line, message }) => ({
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      rule: file === undefined || !id.startsWith(`${file}::`) ? id : id.slice(file.length + 2),
      message: message ?? "failed",
      severity: "error" as const,
    })),
  )
  return withReports({ ...verdictOf(suite), check: "test", seconds, findings })
}

function verdictOf(suite: Suite): CheckResult {
  try {
    const text = judgeSuite(suite)
    const summary = text.split("\n").at(-1) ?? ""
    return { check: "test", outcome: "passed", summary, seconds: 0, findings: [] }
  } catch (error) {
    const { detail, ...result } = resultOfError("test", error)
    const told = suite.versions.some(({ run }) => run.failures.length > 0)
    return told || detail === undefined ? result : { ...result, detail }
  }
}
