import { type Container, type Directory, dag, type Secret } from "@dagger.io/dagger"
import { startUnknown } from "../errors.ts"
import { CONTENTS, DEVELOPMENT, SECRETS } from "../project/contents.ts"
import type { Plan, Start } from "../project/plan.ts"
import { imageProgram } from "./asset.ts"
import { ENVIRONMENT, environment, PYTHON, SEARCH_PATH, SOURCE } from "./base.ts"
import { files } from "./files.ts"
import { uvSync, withDependencies } from "./install.ts"
import { createdOf, type Origin, repositoryOf } from "./origin.ts"
import { HOME, pythonImage } from "./toolbox.ts"

/** A number and no name: Kubernetes can see that it is not root. Any other number works as well. */
const USER = "10001"
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
 * application, from what changes least to what changes most.
 */
export async function image(
  plan: Plan,
  source: Directory,
  options: ImageOptions = {},
): Promise<Container> {
  const { start, production } = plan
  if (start === undefined) throw startUnknown(plan.name)
  const dependencies = withDependencies(
    await environment(
      {
        ...plan,
        dependencies: production.dependencies,
        systemPackages: production.systemPackages.build,
      },
      options.indexCredentials,
    ),
    production.dependencies,
  )
    .withMountedDirectory(PROGRAM, files({ "layer.py": imageProgram("layer.py") }))
    .withExec(layer("dependencies"))
  const application = withApplication(dependencies, plan, source).withExec(
    layer("application", ["--source", "/source", SOURCE]),
  )
  // Its program comes through the standard input: a mount would leave its mark on the directory it is in.
  const system = dag
    .container()
    .from(pythonImage(plan.python))
    .withExec([PYTHON, "-B", "-S", "-", USER, ...production.systemPackages.run], {
      stdin: imageProgram("system.py"),
    })
  return configured(
    system
      .withDirectory("/", dependencies.directory(`${OUTPUT}/dependencies`))
      .withDirectory("/", application.directory(`${OUTPUT}/application`)),
    plan,
    start,
    options,
  )
}

const layer = (kind: "dependencies" | "application", more: string[] = []): string[] => [
  ...[PYTHON, "-S", `${PROGRAM}/layer.py`, kind],
  ...["--environment", ENVIRONMENT, "--known", KNOWN, "--output", `${OUTPUT}/${kind}`],
  ...more,
]

/** With the project itself installed from a wheel, and with what is copied beside it at /source. */
function withApplication(container: Container, plan: Plan, source: Directory): Container {
  const { dependencies, package: install } = plan.production
  const copied = source.filter({ include: [...CONTENTS], exclude: [...SECRETS, ...DEVELOPMENT] })
  if (install === undefined) return container.withMountedDirectory("/source", copied)
  const command =
    install.kind === "uv" && dependencies.kind === "uv"
      ? [...uvSync("--frozen", dependencies.selection), "--no-editable"]
      : [
          ...["uv", "pip", "install", ...install.targets],
          ...(install.withDependencies ? [] : ["--no-deps"]),
        ]
  let building = container
    .withDirectory(SOURCE, source.filter({ exclude: [...SECRETS] }))
    .withWorkdir(SOURCE)
  for (const [name, value] of Object.entries(install.environment)) {
    building = building.withEnvVariable(name, value)
  }
  return building.withExec(command).withMountedDirectory("/source", dag.directory())
}

function configured(container: Container, plan: Plan, start: Start, origin: Origin): Container {
  let image = container
    .withEnvVariable("PATH", SEARCH_PATH)
    .withEnvVariable("LANG", "C.UTF-8")
    .withEnvVariable("VIRTUAL_ENV", ENVIRONMENT)
    .withEnvVariable("PYTHONUNBUFFERED", "1")
    // The code belongs to root, and its bytecode is there already.
    .withEnvVariable("PYTHONDONTWRITEBYTECODE", "1")
    // The one place that every user may write to.
    .withEnvVariable("HOME", "/tmp")
    .withEnvVariable("USER", "app")
  const path = [SOURCE, ...plan.pythonPath.map((directory) => `${SOURCE}/${directory}`)]
  image = image.withEnvVariable("PYTHONPATH", path.join(":"))
  if (start.port !== undefined) {
    image = image.withEnvVariable("PORT", String(start.port)).withExposedPort(start.port)
  }
  for (const [name, value] of Object.entries(labelsOf(plan, start, origin))) {
    image = image.withLabel(name, value)
    // Those that registries show are annotations of the manifest too.
    if (name.startsWith(OCI)) image = image.withAnnotation(name, value)
  }
  return image
    .withWorkdir(SOURCE)
    .withUser(`${USER}:${USER}`)
    .withEntrypoint([])
    .withDefaultArgs(start.command)
}

const OCI = "org.opencontainers.image."

function labelsOf(
  { python, production }: Plan,
  start: Start,
  origin: Origin,
): Record<string, string> {
  const source = repositoryOf(origin) ?? production.labels.source
  const own = {
    ...production.labels,
    created: createdOf(origin),
    "base.name": `docker.io/library/${pythonImage(python)}`,
    ...(origin.revision === undefined ? {} : { revision: origin.revision }),
    ...(source === undefined ? {} : { source }),
  }
  return {
    ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`${OCI}${name}`, value])),
    ...(start.release === undefined ? {} : { "pyline.release": JSON.stringify(start.release) }),
  }
}
