import { type Container, type Directory, dag, type Secret } from "@dagger.io/dagger"
import { shellLine } from "../caller.ts"
import type { CheckTool, Plan } from "../project/plan.ts"
import { WITHOUT_GIT } from "../source.ts"
import { checkProgram } from "./asset.ts"
import {
  ENVIRONMENT,
  environment,
  PYTHON,
  SEARCH_PATH,
  SOURCE,
  withoutUv,
  withSystemPackages,
  withUv,
} from "./base.ts"
import { type Checked, REPORTS, ran } from "./check.ts"
import { files } from "./files.ts"
import { installed } from "./install.ts"
import { HOME, pythonImage } from "./toolbox.ts"

const PROGRAM = `${HOME}/program`
const INPUT = `${HOME}/input`
const BEFORE = `${HOME}/before`
const TOOLS = `${HOME}/check-tools`

/** What a tool's program is called, where that is not its name. */
const PROGRAMS: Partial<Record<CheckTool["name"], string>> = { "pre-commit": "prek" }

const MODULES = ["linters", "typecheckers", "hooks", "process"]

/** Runs linters or type checkers over the project. */
export async function checkedBy(
  check: "lint" | "types",
  plan: Plan,
  source: Directory,
  credentials: Secret | undefined,
): Promise<Checked> {
  const tools = plan.checks[check]
  let container = tools.some(({ inProject }) => inProject)
    ? await projectWith(plan, check, source, credentials)
    : bare(plan)
  container = (await withTools(container, plan, check, credentials))
    .withMountedDirectory(PROGRAM, files(checkProgram("run_tools", ...MODULES)))
    .withDirectory(SOURCE, source, WITHOUT_GIT)
    .withWorkdir(SOURCE)
  return ran(container, check, [
    ...[PYTHON, "-IS", `${PROGRAM}/checks/run_tools.py`, "--check", check],
    ...["--reports", REPORTS, "--tools", `${INPUT}/tools.json`],
  ])
}

/** The project as its formatters leave it, and what that says of it. */
export async function formatted(
  plan: Plan,
  source: Directory,
  credentials: Secret | undefined,
): Promise<{ checked: Checked; tree: Directory }> {
  const container = (await withTools(bare(plan), plan, "format", credentials))
    .withMountedDirectory(PROGRAM, files(checkProgram("run_format", "process")))
    .withMountedDirectory(BEFORE, source.filter(WITHOUT_GIT))
    .withDirectory(SOURCE, source, WITHOUT_GIT)
    .withWorkdir(SOURCE)
  const command = [
    ...[PYTHON, "-IS", `${PROGRAM}/checks/run_format.py`, "--reports", REPORTS],
    ...["--tools", `${INPUT}/tools.json`, "--before", BEFORE],
  ]
  const checked = await ran(container, "format", command)
  return { checked, tree: container.withExec(command).directory(SOURCE) }
}

/** Compares the lock with the manifest. */
export async function lockChecked(
  plan: Plan,
  source: Directory,
  credentials: Secret | undefined,
): Promise<Checked> {
  const { lock } = plan.checks
  const asked = lock?.kind === "uv"
  const container = (asked ? await environment(plan, credentials) : bare(plan))
    .withMountedDirectory(PROGRAM, files(checkProgram("run_lock", "process")))
    .withMountedDirectory(INPUT, files({ "lock.json": JSON.stringify(lock ?? null) }))
    .withDirectory(SOURCE, asked ? source.filter(WITHOUT_GIT) : dag.directory())
    .withWorkdir(SOURCE)
  return ran(container, "lock", [
    ...[PYTHON, "-I", `${PROGRAM}/checks/run_lock.py`],
    ...["--reports", REPORTS, "--lock", `${INPUT}/lock.json`],
  ])
}

const bare = ({ python }: Plan): Container =>
  dag
    .container()
    .from(pythonImage(python))
    .withEnvVariable("LANG", "C.UTF-8")
    .withEnvVariable("PATH", SEARCH_PATH)

/** The project's environment with what its tools need beside the tests' dependencies. */
async function projectWith(
  plan: Plan,
  check: "lint" | "types",
  source: Directory,
  credentials: Secret | undefined,
): Promise<Container> {
  const dependencies = plan.checks.dependencies[check] ?? plan.dependencies
  const container = (
    await installed({ ...plan, dependencies }, source, credentials)
  ).withEnvVariable("PATH", SEARCH_PATH)
  const hooks = plan.checks[check].find(({ name }) => name === "pre-commit")
  return hooks === undefined ? container : withHooks(container, plan, hooks, source, credentials)
}

/**
 * With what hooks need. They get it themselves: with git from where they are, and with uv what is Python. Nothing but
 * their configuration is an input of that.
 */
async function withHooks(
  container: Container,
  plan: Plan,
  hooks: CheckTool,
  source: Directory,
  credentials: Secret | undefined,
): Promise<Container> {
  const path = `${TOOLS}/${hooks.name}`
  const equipped = await withUv(withSystemPackages(container, ["git"]))
  return equipped
    .withEnvVariable("PATH", `${SEARCH_PATH}:${HOME}/tools/bin`)
    .withEnvVariable("PREK_HOME", `${HOME}/hooks`)
    .withMountedDirectory(path, await installedApart(plan, hooks, credentials))
    .withMountedDirectory(INPUT, source.filter({ include: [".pre-commit-config.y*ml"] }))
    .withMountedDirectory(PROGRAM, files(checkProgram("prepare_hooks")))
    .withExec([
      ...[PYTHON, "-IS", `${PROGRAM}/checks/prepare_hooks.py`, INPUT],
      ...[`${path}/bin/${PROGRAMS[hooks.name]}`, ...hooks.args],
    ])
}

/** With the tools that are installed apart, each where the others are not, and a list of all for the program. */
async function withTools(
  container: Container,
  plan: Plan,
  kind: "lint" | "format" | "types",
  credentials: Secret | undefined,
): Promise<Container> {
  let ready = container
  const list = []
  for (const tool of plan.checks[kind]) {
    const { name, requirements, args } = tool
    const apart = requirements.length > 0
    const environment = apart ? `${TOOLS}/${name}` : ENVIRONMENT
    if (apart)
      ready = ready.withMountedDirectory(environment, await installedApart(plan, tool, credentials))
    const program = `${environment}/bin/${PROGRAMS[name] ?? name}`
    const python = tool.inProject ? `${ENVIRONMENT}/bin/python` : PYTHON
    const hard = args.includes("--isolated")
    list.push({
      name,
      program,
      args,
      python,
      command: commandOf(kind, tool),
      ...(hard ? { hard } : {}),
    })
  }
  return ready
    .withEnvVariable("PYRIGHT_PYTHON_CACHE_DIR", `${TOOLS}/pyright/cache`)
    .withEnvVariable("PYRIGHT_PYTHON_IGNORE_WARNINGS", "1")
    .withMountedDirectory(INPUT, files({ "tools.json": JSON.stringify(list) }))
}

/** An environment with nothing but a tool. It is made where it will be: programs in it have its path in their first line. */
async function installedApart(
  plan: Plan,
  { name, requirements }: CheckTool,
  credentials: Secret | undefined,
): Promise<Directory> {
  const path = `${TOOLS}/${name}`
  let container = (await environment({ ...plan, systemPackages: [] }, credentials))
    .withExec(["uv", "venv", path, "--python", PYTHON])
    .withExec(["uv", "pip", "install", "--python", `${path}/bin/python`, ...requirements])
  container = withoutUv(container)
  if (name === "pyright")
    // The rest of it comes from the registry of Node's packages when it is first started.
    container = container
      .withEnvVariable("PATH", `${path}/bin:${SEARCH_PATH}`)
      .withEnvVariable("PYRIGHT_PYTHON_CACHE_DIR", `${path}/cache`)
      .withEnvVariable("PYRIGHT_PYTHON_IGNORE_WARNINGS", "1")
      .withExec([`${path}/bin/pyright`, "--version"])
  return container.directory(path)
}

const WORDS: Partial<Record<CheckTool["name"], string>> = {
  ruff: "check",
  ty: "check",
  "pre-commit": "run --all-files",
}

/** What to type to run the tool without Pyline. */
function commandOf(
  kind: "lint" | "format" | "types",
  { name, requirements, args }: CheckTool,
): string {
  const version = /^[\w.-]+(?:\[[\w,-]+\])?==([\w.]+)$/.exec(requirements[0] ?? "")?.[1]
  const program = PROGRAMS[name] ?? name
  const tool =
    requirements.length === 0
      ? program
      : `uvx ${program}${version === undefined ? "" : `@${version}`}`
  const verb = kind === "format" && name === "ruff" ? "format" : (WORDS[name] ?? "")
  return [tool, verb, shellLine(args)].filter((words) => words !== "").join(" ")
}
