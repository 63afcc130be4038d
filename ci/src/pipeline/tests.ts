import { type Container, type Directory, ReturnType, type Secret } from "@dagger.io/dagger"
import { refusesCoverage } from "../project/coverage.ts"
import type { Plan } from "../project/plan.ts"
import { decidesWorkers } from "../project/workers.ts"
import { WITHOUT_GIT } from "../source.ts"
import { testProgram } from "./asset.ts"
import { SEARCH_PATH, SOURCE } from "./base.ts"
import { files } from "./files.ts"
import { installed } from "./install.ts"
import { patiently } from "./retry.ts"
import { placesOf, withServices } from "./services.ts"
import { nameOf, refuseShard, type Shard } from "./shard.ts"
import { step } from "./step.ts"
import { HOME } from "./toolbox.ts"

const REPORTS = "/reports"
const PROGRAM = `${HOME}/tests`
const DURATIONS = `${HOME}/durations`

/** What decides a run of the tests, beside the project. Two calls with the same of these share one run. */
export interface TestOptions {
  args: string[]
  allowNoTests: boolean
  /** Credentials of package indexes, see project/credentials.ts. */
  indexCredentials?: Secret | undefined
  /** The part of the suite to run. */
  shard?: Shard | undefined
  /** Reports of an earlier run, which tell how long each test takes. */
  durations?: Directory | undefined
  /** Another word is another run of the same. */
  attempt?: string | undefined
}

/** The container after the tests: its output is the tests' own, and it never fails for red tests. */
export async function tested(
  plan: Plan,
  source: Directory,
  options: TestOptions,
): Promise<Container> {
  const { args, shard, durations, attempt } = options
  const { runner, coverage, workers, services = [] } = plan
  const name = nameOf(plan.python, shard)
  refuseShard(shard, runner.kind)
  let container = inProject(
    plan,
    source,
    await installed(inTests(plan), source, options.indexCredentials),
  ).withMountedDirectory(PROGRAM, files(testProgram()))
  if (shard !== undefined && durations !== undefined)
    container = container.withMountedDirectory(DURATIONS, durations)
  for (const [name, value] of Object.entries(runner.environment ?? {}))
    container = container.withEnvVariable(name, value)
  container = withServices(container, services, name)
  const spread = workers !== undefined && !decidesWorkers(args)
  return container.with(
    step(
      [
        ...["python", "-IS", `${PROGRAM}/run_tests.py`, "--runner", runner.kind],
        ...["--reports", REPORTS, "--name", name],
        ...(runner.directory === undefined ? [] : ["--directory", runner.directory]),
        ...(options.allowNoTests ? ["--allow-no-tests"] : []),
        ...(coverage === undefined || refusesCoverage(args)
          ? []
          : ["--coverage", coverage.measure]),
        ...(spread ? ["--workers", `${workers}`] : []),
        ...(shard === undefined ? [] : ["--shard", `${shard.index}/${shard.count}`]),
        ...(shard === undefined || durations === undefined ? [] : ["--durations", DURATIONS]),
        ...(services.length === 0 ? [] : ["--services", placesOf(services)]),
        ...(attempt === undefined || attempt === "1" ? [] : ["--attempt", attempt]),
        ...["--", ...runner.args, ...forRunner(plan, args)],
      ],
      { expect: ReturnType.Any },
    ),
  )
}

/** tox and nox are all that is installed to run them: what the tests need is in environments that they make. */
function inTests({ package: own, ...plan }: Plan): Plan {
  const { tools } = plan.runner
  if (tools === undefined) return own === undefined ? plan : { ...plan, package: own }
  const requirements = tools.map((line) => `${line}\n`).join("")
  return { ...plan, dependencies: { kind: "pip", requirements, constraints: "", options: [] } }
}

/** With the project's files, where and as its tests see them. */
export function inProject(plan: Plan, source: Directory, container: Container): Container {
  const project = container
    .withDirectory(SOURCE, source, WITHOUT_GIT)
    .withWorkdir(SOURCE)
    .withEnvVariable("PATH", SEARCH_PATH)
  if (plan.pythonPath.length === 0) return project
  const path = plan.pythonPath.map((directory) => `${SOURCE}/${directory}`).join(":")
  return project.withEnvVariable("PYTHONPATH", path)
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
