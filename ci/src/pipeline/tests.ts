import { type Container, type Directory, ReturnType, type Secret } from "@dagger.io/dagger"
import type { Plan } from "../project/plan.ts"
import { testProgram } from "./asset.ts"
import { SEARCH_PATH, SOURCE } from "./base.ts"
import { files } from "./files.ts"
import { installed } from "./install.ts"
import { patiently } from "./retry.ts"
import { HOME } from "./toolbox.ts"

const REPORTS = "/reports"
const PROGRAM = `${HOME}/tests`

/** What decides a run of the tests, beside the project. Two calls with the same of these share one run. */
export interface TestOptions {
  args: string[]
  allowNoTests: boolean
  /** Credentials of package indexes, see project/credentials.ts. */
  indexCredentials?: Secret | undefined
}

/** The container after the tests: its output is the tests' own, and it never fails for red tests. */
export async function tested(
  plan: Plan,
  source: Directory,
  options: TestOptions,
): Promise<Container> {
  let container = (await installed(inTests(plan), source, options.indexCredentials))
    .withMountedDirectory(PROGRAM, files(testProgram()))
    .withDirectory(SOURCE, source)
    .withWorkdir(SOURCE)
    .withEnvVariable("PATH", SEARCH_PATH)
  if (plan.pythonPath.length > 0) {
    const path = plan.pythonPath.map((directory) => `${SOURCE}/${directory}`).join(":")
    container = container.withEnvVariable("PYTHONPATH", path)
  }
  for (const [name, value] of Object.entries(plan.runner.environment ?? {}))
    container = container.withEnvVariable(name, value)
  return container.withExec(
    [
      ...["python", "-IS", `${PROGRAM}/run_tests.py`, "--runner", plan.runner.kind],
      ...["--reports", REPORTS, "--name", `python-${plan.python}`],
      ...(plan.runner.directory === undefined ? [] : ["--directory", plan.runner.directory]),
      ...(options.allowNoTests ? ["--allow-no-tests"] : []),
      ...["--", ...plan.runner.args, ...forRunner(plan, options.args)],
    ],
    { expect: ReturnType.Any },
  )
}

/** tox and nox are all that is installed to run them: what the tests need is in environments that they make. */
function inTests({ package: own, ...plan }: Plan): Plan {
  const { tools } = plan.runner
  if (tools === undefined) return own === undefined ? plan : { ...plan, package: own }
  const requirements = tools.map((line) => `${line}\n`).join("")
  return { ...plan, dependencies: { kind: "pip", requirements, constraints: "", options: [] } }
}

/** tox and nox take what is not for themselves after two dashes. */
const forRunner = ({ runner }: Plan, args: string[]): string[] =>
  args.length > 0 && (runner.kind === "tox" || runner.kind === "nox") ? ["--", ...args] : args

/** The reports directory of the run. */
export function reportsOf(container: Container): Directory {
  return container.directory(REPORTS)
}

/** The result.json of the run, as text. */
export function runsOf(container: Container): Promise<string> {
  return patiently(() => container.file(`${REPORTS}/result.json`).contents())
}
