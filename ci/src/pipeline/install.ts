import type { Container, Directory, Secret } from "@dagger.io/dagger"
import type { PackageInstall, Plan } from "../project/plan.ts"
import { WITHOUT_GIT } from "../source.ts"
import { asset } from "./asset.ts"
import { SOURCE, withoutUv } from "./base.ts"
import { dependencyLayer, uvSync } from "./dependencyLayer.ts"
import { files } from "./files.ts"
import { step } from "./step.ts"
import { HOME } from "./toolbox.ts"

const INPUT = `${HOME}/input`

/** The container in which the plan's dependencies and the project itself are installed. Its source is not in it yet. */
export async function installed(
  plan: Plan,
  source: Directory,
  credentials?: Secret,
): Promise<Container> {
  const dependencies = await dependencyLayer(plan, credentials)
  const project =
    plan.package === undefined
      ? dependencies
      : withPackage(dependencies, plan, plan.package, source)
  return withoutUv(project)
}

/**
 * The project itself, installed editable by its own build backend. Where the plan says that the backend reads no code,
 * it is given empty files of the right names, so that an edit of code does not build again.
 */
function withPackage(
  container: Container,
  plan: Plan,
  install: PackageInstall,
  source: Directory,
): Container {
  const tree = source.filter(
    install.reads === "everything" ? WITHOUT_GIT : { include: install.reads },
  )
  const command =
    install.kind === "uv" && plan.dependencies.kind === "uv"
      ? uvSync(plan.dependencies.verify ? "--frozen" : "--locked", plan.dependencies.selection)
      : [
          ...["uv", "pip", "install", ...install.targets],
          ...(install.withDependencies ? [] : ["--no-deps"]),
        ]
  let building = container.withDirectory(SOURCE, tree).withWorkdir(SOURCE)
  for (const [path, text] of Object.entries(install.files ?? {}))
    building = building.withNewFile(path, text)
  for (const [name, value] of Object.entries(install.environment)) {
    building = building.withEnvVariable(name, value)
  }
  building =
    install.names.length === 0
      ? building.with(step(command))
      : building
          .withMountedDirectory(
            INPUT,
            files({ "build.py": asset("build.py"), "names.json": JSON.stringify(install.names) }),
          )
          .with(step(["python", `${INPUT}/build.py`, ...command]))
          .withoutMount(INPUT)
  for (const name of Object.keys(install.environment)) building = building.withoutEnvVariable(name)
  return building
}
