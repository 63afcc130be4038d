import { type Container, dag, type Secret } from "@dagger.io/dagger"
import type { Dependencies, Plan } from "../project/plan.ts"
import { environment, PYTHON, ready, SOURCE, withoutCompiling, withoutUv } from "./base.ts"
import { files } from "./files.ts"
import { withIndexes } from "./indexes.ts"
import { fromCache } from "./layerCache.ts"
import { step } from "./step.ts"
import { HOME, pythonContainer, UV } from "./toolbox.ts"

const INPUT = `${HOME}/input`

/** What is done with the inputs: a change of it is a change of what comes out. */
const RECIPE = 1

/**
 * The plan's dependencies in an environment of their own, with what installs the rest at hand.
 *
 * @param options `compiled: false` where something else makes the bytecode
 */
export async function dependencyLayer(
  plan: Plan,
  credentials?: Secret,
  { compiled = true }: { compiled?: boolean } = {},
): Promise<Container> {
  const { python, platform, systemPackages, dependencies } = plan
  const set = compiled ? (container: Container) => container : withoutCompiling
  const empty = set(await environment(plan, credentials))
  if (dependencies.kind === "none" && systemPackages.length === 0) return empty
  const installed = withDependencies(empty, dependencies)
  const inputs = async () => {
    // Asked of containers in which nothing has to be run for an answer.
    const indexes = await withIndexes(dag.container(), plan, credentials)
    const [base, machine, index, more] = await Promise.all([
      pythonContainer(python, platform).imageRef(),
      platform ?? dag.defaultPlatform(),
      indexes.envVariable("UV_DEFAULT_INDEX"),
      indexes.envVariable("UV_INDEX"),
    ])
    const day = dayOf(dependencies)
    return {
      recipe: RECIPE,
      uv: UV,
      compiled,
      base,
      machine,
      systemPackages,
      dependencies,
      index,
      more,
      day,
    }
  }
  const known = await fromCache(inputs, platform, withoutUv(installed))
  return known === undefined ? installed : set(await ready(known, plan, credentials))
}

/** What nothing locks is chosen anew each day, as it would be without a cache. */
function dayOf(dependencies: Dependencies): string | undefined {
  const open =
    dependencies.kind === "pip" || ("provided" in dependencies && dependencies.provided.length > 0)
  return open ? new Date().toISOString().slice(0, 10) : undefined
}

/** What is installed. Its only input is the text in the plan, so that no other edit of the project builds it again. */
function withDependencies(container: Container, dependencies: Dependencies): Container {
  switch (dependencies.kind) {
    case "none":
      return container
    case "uv": {
      const frozen = dependencies.verify ? "--locked" : "--frozen"
      const locked = container
        .withMountedDirectory(SOURCE, files(dependencies.documents))
        .withWorkdir(SOURCE)
        .with(step([...uvSync(frozen, dependencies.selection), "--no-install-local"]))
        .withoutMount(SOURCE)
      if (dependencies.provided.length === 0) return locked
      return locked.with(step(["uv", "pip", "install", ...dependencies.provided]))
    }
    case "locked": {
      const { requirements, indexes, provided } = dependencies
      const list = container
        .withMountedDirectory(INPUT, files({ "requirements.txt": requirements }))
        .withWorkdir(INPUT)
        .with(
          step([
            ...["uv", "pip", "install", "--no-deps", "-r", "requirements.txt"],
            // Which index a file comes from does not matter where its hash is known.
            ...indexes.flatMap((url) => ["--index", url]),
            ...(indexes.length > 0 ? ["--index-strategy", "unsafe-best-match"] : []),
          ]),
        )
        .withoutMount(INPUT)
      if (provided.length === 0) return list
      return list.with(step(["uv", "pip", "install", ...provided]))
    }
    case "pylock": {
      const { document, selection, provided } = dependencies
      const list = container
        .withMountedDirectory(INPUT, files({ "pylock.toml": document }))
        .withWorkdir(INPUT)
        .with(step(["uv", "pip", "install", "-r", "pylock.toml", "--no-deps", ...selection]))
        .withoutMount(INPUT)
      if (provided.length === 0) return list
      return list.with(step(["uv", "pip", "install", ...provided]))
    }
    case "pip": {
      const { requirements, constraints, options, pyproject } = dependencies
      const limits = constraints === "" ? [] : ["-c", "constraints.txt"]
      const own = pyproject === undefined ? [] : ["-r", "pyproject.toml", ...pyproject.selection]
      return container
        .withMountedDirectory(
          INPUT,
          files({
            "requirements.txt": requirements,
            "constraints.txt": constraints,
            ...(pyproject === undefined ? {} : { "pyproject.toml": pyproject.document }),
          }),
        )
        .withWorkdir(INPUT)
        .with(
          step([
            ...["uv", "pip", "install", "-r", "requirements.txt"],
            ...own,
            ...limits,
            ...options,
          ]),
        )
        .withoutMount(INPUT)
    }
  }
}

export const uvSync = (frozen: string, selection: readonly string[]): string[] => [
  ...["uv", "sync", frozen, ...selection],
  ...["--active", "--inexact", "--python", PYTHON],
]
