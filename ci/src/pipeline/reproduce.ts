import { AS_GIVEN, commandLine } from "../caller.ts"
import type { Plan, RunnerKind } from "../project/plan.ts"
import type { Failure, Run } from "./result.ts"
import type { TestOptions } from "./tests.ts"

/** More red tests than these are not one command: then it is the first of them. */
const MOST = 3

/** The command line that runs what went wrong in a run again, and as little else as it can. */
export function reproduceTests(
  run: Run,
  plan: Plan,
  { args, indexCredentials }: Pick<TestOptions, "args" | "indexCredentials">,
): string {
  const wanted = selectionOf(run, plan.runner.kind)
  return commandLine("test", {
    python: [run.python],
    args: wanted.length === 0 ? args : [...withoutTests(args, plan.runner.kind), ...wanted],
    // Where tests are named, they are all that is run.
    ...(wanted.length === 0 ? {} : { shard: undefined, durations: undefined, from: undefined }),
    ...(indexCredentials === undefined ? {} : { indexCredentials: AS_GIVEN }),
    debug: undefined,
  })
}

/** Arguments of the runner for what went wrong; none where they cannot say it. */
export function selectionOf(run: Run, runner: RunnerKind): string[] {
  if (run.verdict !== "failed") {
    const { kind, file, test = "" } = run.stopped ?? {}
    if (runner !== "pytest" || file === undefined || !/\.py$/.test(file)) return []
    if (kind === "running") return [test === "" ? file : `${file}::${test}`]
    return kind === "timeout" || kind === "crash" ? [file] : []
  }
  const tests = run.failures.length > MOST ? run.failures.slice(0, 1) : run.failures
  const chosen = new Map<string, string[]>()
  for (const failure of tests) {
    const words = argument(failure, runner)
    if (words === undefined) return []
    chosen.set(words.join(" "), words)
  }
  return [...chosen.values()].flat()
}

function argument({ id }: Failure, runner: RunnerKind): string[] | undefined {
  switch (runner) {
    case "pytest":
      return /\.py(?:::|$)/.test(id) ? [id] : undefined
    case "unittest":
    case "django": {
      // `tests/test_a.py::T::test_b (i=1)`: a pattern of what it calls test_a.T.test_b. A subtest is named by its test.
      const [, module, names] = /^(?:.*\/)?(\w+)\.py((?:::\w+)+)/.exec(id) ?? []
      return module === undefined ? undefined : ["-k", `*${module}${names?.replaceAll("::", ".")}`]
    }
    default:
      return undefined
  }
}

/** Short options of pytest whose value is the next argument. */
const VALUED = /^-[kmpcnorW]$/

/** A user's arguments without the tests that they name. Options stay: what was red with them is to be seen with them. */
function withoutTests(args: readonly string[], runner: RunnerKind): string[] {
  return args.filter((arg, index) => {
    const before = args[index - 1] ?? ""
    if (runner !== "pytest" && (arg === "-k" || before === "-k")) return false
    // What follows a long option may be its value.
    if (arg.startsWith("-") || VALUED.test(before) || /^--[^=]+$/.test(before)) return true
    return runner === "pytest" && !/\.py(?:::|$)|\/|^tests?$/.test(arg)
  })
}
