import { type Container, type Directory, dag, type Secret } from "@dagger.io/dagger"
import { serverMissing, startAmbiguous, startUnknown } from "../errors.ts"
import { CONTENTS, DEVELOPMENT, SECRETS } from "../project/contents.ts"
import type { Plan, Start } from "../project/plan.ts"
import { WITHOUT_GIT } from "../source.ts"
import { imageProgram } from "./asset.ts"
import { ENVIRONMENT, PYTHON, SEARCH_PATH, SOURCE, withoutUv } from "./base.ts"
import { configured } from "./configuration.ts"
import { dependencyLayer, uvSync } from "./dependencyLayer.ts"
import { files } from "./files.ts"
import type { Origin } from "./origin.ts"
import { withStart } from "./read.ts"
import { HOME, pythonContainer } from "./toolbox.ts"

/** A number and no name: Kubernetes can see that it is not root. Any other number works as well. */
const USER = "10001"
/** What stands above the base, the lowest first. */
export const LAYERS = ["system", "dependencies", "application"] as const
const OUTPUT = `${HOME}/layers`
const KNOWN = `${HOME}/known.json`
const PROGRAM = `${HOME}/image`

export interface ImageOptions extends Origin {
  /** Credentials of package indexes, see project/credentials.ts. */
  indexCredentials?: Secret | undefined
}

/**
 * The image of an application: the plan's start command, its production dependencies and its own code on a slim Python.
 *
 * Each layer is a tree that was made elsewhere and copied in, never what a step has left behind: base, system, dependencies,
 * application, from what changes least to what changes most. No time and no order of the machine that built is in them.
 *
 * All that can fail has been run when it is given: what is left are copies.
 */
export async function image(
  plan: Plan,
  source: Directory,
  options: ImageOptions = {},
): Promise<Container> {
  const system = systemLayer(plan)
  // What needs no look at the code is made meanwhile. What is wrong with the code is told first all the same.
  const below = productionLayer(plan, options).then(async (dependencies) => {
    await Promise.all([dependencies.sync(), system.sync()])
    return dependencies
  })
  below.catch(() => {})
  const known = await withStart(plan, source)
  const start = startOf(known)
  const isCopied = plan.production.package === undefined && start.build === undefined
  // What is only copied needs no dependencies: both are made side by side, and a new one changes nothing of it.
  const on = isCopied ? withLayerProgram(pythonContainer(plan.python, plan.platform)) : await below
  const application = withApplication(on, known, start, source).withExec(
    layer("application", ["--source", SOURCE]),
  )
  const [dependencies] = await Promise.all([below, application.sync()])
  const layers = system
    .withDirectory("/", dependencies.directory(`${OUTPUT}/dependencies`))
    .withDirectory("/", application.directory(`${OUTPUT}/application`))
  return configured(layers.withUser(`${USER}:${USER}`), known, start, options)
}

/** What is to be started, or the error that an image cannot be made for. */
function startOf({ name, start, startProblem }: Plan): Start {
  if (startProblem?.kind === "ambiguous") throw startAmbiguous(startProblem.candidates)
  if (startProblem !== undefined) {
    const { found, command, fix } = startProblem
    throw serverMissing(found, command, fix)
  }
  if (start === undefined) throw startUnknown(name)
  return start
}

/** The base with the Debian packages that are needed at run time, and without installers. */
function systemLayer({ python, platform, production }: Plan): Container {
  const packages = production.systemPackages.run
  // Its program comes through the standard input: a mount would leave its mark on the directory it is in.
  return pythonContainer(python, platform).withExec(
    [PYTHON, "-B", "-S", "-", "install", USER, ...packages],
    {
      stdin: imageProgram("system.py"),
    },
  )
}

/** The container in which the production dependencies are installed, and made a tree of. The source is no part of its key. */
async function productionLayer(plan: Plan, { indexCredentials }: ImageOptions): Promise<Container> {
  const { dependencies, systemPackages } = plan.production
  const production = { ...plan, dependencies, systemPackages: systemPackages.build }
  return withLayerProgram(
    await dependencyLayer(production, indexCredentials, { compiled: false }),
  ).withExec(layer("dependencies"))
}

const withLayerProgram = (container: Container): Container =>
  container.withMountedDirectory(PROGRAM, files({ "layer.py": imageProgram("layer.py") }))

const layer = (kind: "dependencies" | "application", more: string[] = []): string[] => [
  ...[PYTHON, "-S", `${PROGRAM}/layer.py`, kind],
  ...["--environment", ENVIRONMENT, "--known", KNOWN, "--output", `${OUTPUT}/${kind}`],
  ...more,
]

/** With the project itself installed from a wheel, and with what of its source is copied. */
function withApplication(
  container: Container,
  plan: Plan,
  start: Start,
  source: Directory,
): Container {
  // What is the project's own runs without the installer, its cache and its credentials.
  const building = withoutUv(withWheel(container, plan, source))
    .withoutDirectory(SOURCE)
    .withDirectory(SOURCE, start.copied ? contents(plan, source) : dag.directory())
  return start.build === undefined ? building : prepared(building, start.build)
}

/** The project as a package, from a source without credentials in it. */
function withWheel(container: Container, { production }: Plan, source: Directory): Container {
  const { dependencies, package: install } = production
  if (install === undefined) return container
  const command =
    install.kind === "uv" && dependencies.kind === "uv"
      ? [...uvSync("--frozen", dependencies.selection), "--no-editable"]
      : [
          ...["uv", "pip", "install", ...install.targets],
          ...(install.withDependencies ? [] : ["--no-deps"]),
        ]
  let building = container
    .withDirectory(SOURCE, source.filter({ exclude: [...SECRETS, ...WITHOUT_GIT.exclude] }))
    .withWorkdir(SOURCE)
  for (const [path, text] of Object.entries(install.files ?? {}))
    building = building.withNewFile(path, text)
  for (const [name, value] of Object.entries(install.environment)) {
    building = building.withEnvVariable(name, value)
  }
  return building.withExec(command)
}

/** What of the source an image has: the usual kinds of files, and those that the settings name. */
function contents({ production }: Plan, source: Directory): Directory {
  const { directory, asked, package: install } = production
  const own = directory === undefined ? source : source.directory(directory)
  // Of a package below src/ the wheel has everything.
  const built = install === undefined ? [] : ["src"]
  const usual = own.filter({
    include: [...CONTENTS],
    exclude: [...SECRETS, ...DEVELOPMENT, ...WITHOUT_GIT.exclude, ...built],
  })
  const named = own.filter({
    include: [".streamlit/config.toml", ...asked.files],
    exclude: [...SECRETS],
  })
  return usual.withDirectory("/", named)
}

/** After what the application itself does once, when its image is made. */
function prepared(
  container: Container,
  { command, environment: variables }: NonNullable<Start["build"]>,
): Container {
  let building = container
    .withWorkdir(SOURCE)
    .withEnvVariable("PATH", SEARCH_PATH)
    .withEnvVariable("PYTHONPATH", SOURCE)
    .withEnvVariable("PYTHONDONTWRITEBYTECODE", "1")
  for (const [name, value] of Object.entries(variables)) {
    building = building.withEnvVariable(name, value)
  }
  return building.withExec(command)
}
