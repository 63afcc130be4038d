import type { Container, Directory, Secret } from "@dagger.io/dagger"
import type { Dependencies, PackageInstall, Plan } from "../project/plan.ts"
import { WITHOUT_GIT } from "../source.ts"
import { asset } from "./asset.ts"
import { environment, PYTHON, SOURCE, withoutUv } from "./base.ts"
import { files } from "./files.ts"
import { HOME } from "./toolbox.ts"

const INPUT = `${HOME}/input`

/** The container in which the plan's dependencies and the project itself are installed. Its source is not in it yet. */
export async function installed(
  plan: Plan,
  source: Directory,
  credentials?: Secret,
): Promise<Container> {
  const empty = await environment(plan, credentials)
  const dependencies = withDependencies(empty, plan.dependencies)
  const project =
    plan.package === undefined
      ? dependencies
      : withPackage(dependencies, plan, plan.package, source)
  return withoutUv(project)
}

/** The dependency layer. Its only input is the text in the plan, so that no other edit of the project builds it again. */
export function withDependencies(container: Container, dependencies: Dependencies): Container {
  switch (dependencies.kind) {
    case "none":
      return container
    case "uv": {
      const frozen = dependencies.verify ? "--locked" : "--frozen"
      const locked = container
        .withMountedDirectory(SOURCE, files(dependencies.documents))
        .withWorkdir(SOURCE)
        .withExec([...uvSync(frozen, dependencies.selection), "--no-install-local"])
        .withoutMount(SOURCE)
      if (dependencies.provided.length === 0) return locked
      return locked.withExec(["uv", "pip", "install", ...dependencies.provided])
    }
    case "locked": {
      const { requirements, indexes, provided } = dependencies
      const list = container
        .withMountedDirectory(INPUT, files({ "requirements.txt": requirements }))
        .withWorkdir(INPUT)
        .withExec([
          ...["uv", "pip", "install", "--no-deps", "-r", "requirements.txt"],
          // Which index a file comes from does not matter where its hash is known.
          ...indexes.flatMap((url) => ["--index", url]),
          ...(indexes.length > 0 ? ["--index-strategy", "unsafe-best-match"] : []),
        ])
        .withoutMount(INPUT)
      if (provided.length === 0) return list
      return list.withExec(["uv", "pip", "install", ...provided])
    }
    case "pylock": {
      const { document, selection, provided } = dependencies
      const list = container
        .withMountedDirectory(INPUT, files({ "pylock.toml": document }))
        .withWorkdir(INPUT)
        .withExec(["uv", "pip", "install", "-r", "pylock.toml", "--no-deps", ...selection])
        .withoutMount(INPUT)
      if (provided.length === 0) return list
      return list.withExec(["uv", "pip", "install", ...provided])
    }
    case "pip": {
      const { requirements, constraints, options } = dependencies
      const limits = constraints === "" ? [] : ["-c", "constraints.txt"]
      return container
        .withMountedDirectory(
          INPUT,
          files({ "requirements.txt": requirements, "constraints.txt": constraints }),
        )
        .withWorkdir(INPUT)
        .withExec(["uv", "pip", "install", "-r", "requirements.txt", ...limits, ...options])
        .withoutMount(INPUT)
    }
  }
}

export const uvSync = (frozen: string, selection: readonly string[]): string[] => [
  ...["uv", "sync", frozen, ...selection],
  ...["--active", "--inexact", "--python", PYTHON],
]

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
      ? building.withExec(command)
      : building
          .withMountedDirectory(
            INPUT,
            files({ "build.py": asset("build.py"), "names.json": JSON.stringify(install.names) }),
          )
          .withExec(["python", `${INPUT}/build.py`, ...command])
          .withoutMount(INPUT)
  for (const name of Object.keys(install.environment)) building = building.withoutEnvVariable(name)
  return building
}
