import { type Container, type Directory, dag, type File, type Secret } from "@dagger.io/dagger"
import { constraintsOf } from "../project/constraints.ts"
import type { PackageBuild, Plan } from "../project/plan.ts"
import { WITHOUT_GIT } from "../source.ts"
import { asset, checkProgram } from "./asset.ts"
import { ENVIRONMENT, environment, PYTHON, SOURCE, withoutUv } from "./base.ts"
import { type Checked, REPORTS, ran } from "./check.ts"
import { explain } from "./failure.ts"
import { files } from "./files.ts"
import { patiently } from "./retry.ts"
import { type Step, step } from "./step.ts"
import { HOME, readmeRenderer, toolbox } from "./toolbox.ts"

/** The date that archives get: no date of the source, which git does not keep, but one that every ZIP file can have. */
const EPOCH = "1580601600"
const PROGRAM = `${HOME}/program`
const INPUT = `${HOME}/input`
const [DIST, LOCALS, FACTS] = ["/dist", "/locals", "/made.json"]
const TRIED = "/tried.json"
const CHECK = "build"

export interface BuildOptions {
  /** Credentials of package indexes. */
  indexCredentials?: Secret | undefined
  /** The version for backends that ask git for it. */
  version?: string | undefined
}

export interface Built extends Checked {
  /** The sdist and the wheel; empty where the project is no package. */
  dist: Directory
}

/** What make_dist.py says of its work. */
interface Made {
  sdist: string
  wheel: string
  locals: string[]
}

/** Builds the sdist, from it the wheel, and checks both. */
export async function built(plan: Plan, source: Directory, options: BuildOptions): Promise<Built> {
  if (plan.build === undefined) {
    const checked = await verdict(["--skipped", whyNoPackage(plan)], {})
    return { ...checked, dist: dag.directory() }
  }
  const build = withVersion(plan.build, options.version)
  const container = await making(plan, build, source, options.indexCredentials)
  const text = await patiently(() => container.file(FACTS).contents())
  const made = JSON.parse(text) as Made
  const dist = container.directory(DIST)
  const inputs: Record<string, File | Directory> = { dist, "made.json": container.file(FACTS) }
  const args = ["--dist", `${INPUT}/dist`, "--facts", `${INPUT}/made.json`]
  let trouble: unknown
  let attempt: Step | undefined
  try {
    const tried = await trying(plan, made, container, options.indexCredentials)
    attempt = tried.ran
    for (const [name, file] of Object.entries(tried.files)) {
      inputs[`${name}.json`] = file
      args.push(`--${name}`, `${INPUT}/${name}.json`)
    }
  } catch (error) {
    trouble = explain(error, plan)
  }
  if (build.directory !== undefined) args.push("--directory", build.directory)
  if (build.standIn !== undefined) args.push("--stand-in", build.standIn)
  if (options.version !== undefined) args.push("--asked", options.version)
  const checked = await verdict(
    [...args, ...build.ignore.flatMap((rule) => ["--ignore", rule])],
    inputs,
  )
  // That it cannot be installed is said by what is wrong with it, where something is.
  if (trouble !== undefined && checked.result.outcome === "passed") throw trouble
  return { ...checked, ...(attempt === undefined ? {} : { ran: attempt }), dist }
}

function withVersion(build: PackageBuild, version: string | undefined): PackageBuild {
  if (version === undefined) return build
  const { standIn: _, ...rest } = build
  const names = Object.keys(build.environment)
  return { ...rest, environment: Object.fromEntries(names.map((name) => [name, version])) }
}

export const whyNoPackage = (plan: Plan): string =>
  plan.decisions.find(({ about }) => about === "project")?.rule ?? "the project is no package"

/** The container in which both were built. The whole source is its input: an sdist may take any file of it. */
async function making(
  plan: Plan,
  build: PackageBuild,
  source: Directory,
  credentials: Secret | undefined,
): Promise<Container> {
  const packages = [...new Set([...plan.systemPackages, ...(build.repository ? ["git"] : [])])]
  const at = (directory: string): string => `${SOURCE}/${directory}`
  let container = (await environment({ ...plan, systemPackages: packages.sort() }, credentials))
    .withMountedDirectory(PROGRAM, files({ "make_dist.py": asset("make_dist.py") }))
    .withDirectory(SOURCE, source, WITHOUT_GIT)
    .withWorkdir(SOURCE)
    .withEnvVariable("SOURCE_DATE_EPOCH", EPOCH)
  for (const [path, text] of Object.entries(build.files ?? {})) {
    container = container.withNewFile(path, text)
  }
  for (const [name, value] of Object.entries(build.environment)) {
    container = container.withEnvVariable(name, value)
  }
  const make = step([
    ...[PYTHON, "-I", `${PROGRAM}/make_dist.py`],
    build.directory === undefined ? SOURCE : at(build.directory),
    ...["--out", DIST, "--facts", FACTS, "--work", "/build"],
    ...(build.repository ? ["--repository", SOURCE] : []),
    ...["--locals", LOCALS],
    ...build.locals.flatMap((directory) => ["--local", at(directory)]),
  ])
  return withoutUv(container.with(make))
}

/**
 * What came of the wheel in a clean environment; of what did not work there, also with the project's extras. With it the
 * step that found out, where something did not work.
 */
async function trying(
  plan: Plan,
  made: Made,
  container: Container,
  credentials: Secret | undefined,
): Promise<{ files: Record<string, File>; ran?: Step }> {
  const dist = container.directory(DIST)
  const constraints = constraintsOf(plan.dependencies)
  const clean = (await environment(plan, credentials))
    .withMountedDirectory(DIST, dist)
    .withMountedDirectory(LOCALS, container.directory(LOCALS))
    .withMountedDirectory(INPUT, files({ "constraints.txt": constraints }))
  const locals = made.locals.map((name) => `${LOCALS}/${name}`)
  const wheel = `${DIST}/${made.wheel}`
  const install = (extras: string): Container =>
    withoutUv(
      clean.with(
        step([
          ...["uv", "pip", "install", `${wheel}${extras}`, ...locals],
          ...(constraints === "" ? [] : ["--constraints", `${INPUT}/constraints.txt`]),
        ]),
      ),
    )
  const attempt = (installed: Container, only: readonly string[]): Step & { file: File } => {
    const before = installed.withMountedDirectory(
      PROGRAM,
      files({ "try_dist.py": asset("try_dist.py") }),
    )
    const command = [
      ...[PYTHON, "-I", `${PROGRAM}/try_dist.py`, wheel],
      ...["--environment", ENVIRONMENT, "--output", TRIED],
      ...only.flatMap((what) => ["--only", what]),
    ]
    return { before, command, file: before.withExec(command).file(TRIED) }
  }
  const { file: tried, ...ran } = attempt(install(""), [])
  const { entries, extras } = parseTried(await patiently(() => tried.contents()))
  const wrong = entries.filter(({ status }) => status === "failed")
  if (wrong.length === 0) return { files: { tried } }
  if (extras.length === 0) return { files: { tried }, ran }
  const names = wrong.map(({ kind, name }) => `${kind}:${name}`)
  try {
    const again = attempt(install(`[${extras.join(",")}]`), names)
    return { files: { tried, "with-extras": await again.file.sync() }, ran }
  } catch {
    // Extras may exclude each other, or need what is not here: what failed without them stays as it is.
    return { files: { tried }, ran }
  }
}

interface Tried {
  extras: string[]
  entries: { kind: string; name: string; status: string }[]
}

/** The project's code ran beside its author, so only what has the right form is taken. */
function parseTried(text: string): Tried {
  const { extras, entries } = JSON.parse(text) as Tried
  return {
    extras: extras.filter((extra) => /^[A-Za-z0-9][\w.-]*$/.test(extra)),
    entries: entries.filter(({ kind, name }) => /^[\w.-]+$/.test(`${kind}${name}`)),
  }
}

/** The check itself: reads the archives and what came of them. */
function verdict(args: string[], inputs: Record<string, File | Directory>): Promise<Checked> {
  let input = dag.directory()
  for (const [name, value] of Object.entries(inputs)) {
    input =
      name === "dist"
        ? input.withDirectory(name, value as Directory)
        : input.withFile(name, value as File)
  }
  const modules = ["dist_contents", "dist_files", "dist_metadata", "dist_tried"]
  const container = toolbox()
    .withMountedDirectory(`${HOME}/readme`, readmeRenderer())
    .withMountedDirectory(PROGRAM, files(checkProgram("build", ...modules)))
    .withEnvVariable("PYTHONPATH", `${HOME}/tools:${HOME}/readme`)
    .withMountedDirectory(INPUT, input)
  const command = ["python", "-B", `${PROGRAM}/checks/build.py`, "--reports", REPORTS, ...args]
  return ran(container, CHECK, command)
}
