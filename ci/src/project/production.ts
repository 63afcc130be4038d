import type { Facts, Lock, Requirement } from "./facts.ts"
import { layer } from "./layer.ts"
import { layerOf, lockedIn } from "./lock.ts"
import { decidePackage } from "./package.ts"
import type { Manager, Production } from "./plan.ts"
import { expandSelf, filesFor, withIncludes } from "./requirements.ts"
import { systemPackagesFor } from "./systemPackages.ts"
import { extrasOf } from "./testDependencies.ts"
import { fetchesWithGit, namesIn } from "./uvGraph.ts"

/** Debian packages that only a build has a use for. */
const BUILD_ONLY =
  /-dev$|^(gcc|g\+\+|cpp|clang|make|cmake|ninja-build|meson|build-essential|pkg-config|pkgconf|cargo|rustc|git|gfortran|swig|patchelf)(-[\d.]+)?$/

/** Servers that come with what is in a list, where no lock tells. */
const BROUGHT: Record<string, string[]> = {
  "fastapi[standard]": ["uvicorn"],
  "fastapi[standard-no-fastapi-cloud-cli]": ["uvicorn"],
  "fastapi[all]": ["uvicorn"],
  "litestar[standard]": ["uvicorn"],
  gradio: ["uvicorn"],
}

const NOTHING = { groups: [], extras: [], requirements: [] }

/** What an image of the project installs: its own dependencies, and none that are for tests or development. */
export function decideProduction(
  facts: Facts,
  manager: Manager,
  chosen: Lock | undefined,
  names: readonly string[],
  member: string | undefined,
): Production {
  const lock = productionLock(facts, chosen)
  const own = lock === undefined ? requirements(facts) : lockedIn(lock, ["main"])
  const lists = manager === "pip" ? filesFor(facts, "main") : []
  const listed = withIncludes(facts, lists).flatMap((file) => file.requirements)
  const dependencies =
    lock === undefined
      ? layer(facts, manager, own, lists, NOTHING, [], member)
      : layerOf(lock, [], [], [])
  const project = decidePackage(facts, manager, lock, names, lists, NOTHING)
  const installed = [...own, ...listed]
  const distributions = distributionsOf(facts, installed, member)
  const needs = systemPackagesFor(distributions)
  const asked = facts.settings?.apt ?? []
  const git = fetchesWithGit(facts, installed, { member, ...NOTHING }) ? ["git"] : []
  const run = [...needs.run, ...asked.filter((name) => !BUILD_ONLY.test(name))]
  const build = [...needs.build, ...project.systemPackages, ...git, ...needs.run, ...asked]
  return {
    dependencies,
    ...(project.install === undefined
      ? {}
      : {
          package: {
            ...project.install,
            // As a wheel: a link to the source would be a link to nothing.
            targets: project.install.targets.filter((target) => target !== "-e"),
            reads: "everything",
            names: [],
          },
        }),
    distributions,
    complete: lock !== undefined || facts.uvLock !== undefined,
    ...scriptsOf(facts),
    asked: askedOf(facts),
    systemPackages: { build: [...new Set(build)].sort(), run: [...new Set(run)].sort() },
    labels: labelsOf(facts),
  }
}

/** Names of what is installed; of a list without a lock only what stands in it. */
function distributionsOf(
  { uvLock }: Facts,
  installed: readonly Requirement[],
  member: string | undefined,
): string[] {
  if (uvLock !== undefined) return namesIn(uvLock, { member, ...NOTHING })
  const names = [
    ...installed.flatMap(({ name }) => name ?? []),
    ...installed.flatMap(({ name, extras }) =>
      (extras ?? []).flatMap((extra) => BROUGHT[`${name}[${extra}]`] ?? []),
    ),
    ...installed.flatMap(({ name }) => BROUGHT[name ?? ""] ?? []),
  ]
  return [...new Set(names)].sort()
}

function scriptsOf({ pyproject, setup }: Facts): Pick<Production, "scripts" | "scriptsFile"> {
  const own = pyproject?.metadata.scripts ?? {}
  if (Object.keys(own).length > 0 || setup === undefined) return { scripts: own }
  const file = setup.files.at(-1)
  return { scripts: setup.scripts, ...(file === undefined ? {} : { scriptsFile: file }) }
}

function askedOf({ settings = { file: "" } }: Facts): Production["asked"] {
  const { file, start, release, port, health, imageFiles, collectstatic } = settings
  return {
    file,
    ...(start === undefined ? {} : { start }),
    ...(release === undefined ? {} : { release }),
    ...(port === undefined ? {} : { port }),
    ...(health === undefined ? {} : { health }),
    ...(collectstatic === undefined ? {} : { collectstatic }),
    files: imageFiles ?? [],
  }
}

/** Labels that an image has of the project's own metadata, by their names in the OCI specification. */
function labelsOf({ pyproject, poetry, setup, settings }: Facts): Record<string, string> {
  const { version, licence, description, repository } = pyproject?.metadata ?? {}
  const title = pyproject?.project?.name ?? poetry?.name ?? setup?.name
  const labels = {
    title,
    version: settings?.version ?? version ?? setup?.version,
    licenses: licence,
    description,
    source: repository,
  }
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** Of several pylock files the one that is named after nothing. */
function productionLock({ locks }: Facts, chosen: Lock | undefined): Lock | undefined {
  if (chosen?.manager !== "pylock") return chosen
  return locks.find(({ file }) => file === "pylock.toml") ?? chosen
}

function requirements(facts: Facts): Requirement[] {
  const { pyproject, poetry, scripts, setup } = facts
  const listed = pyproject?.project?.dependencies ?? [
    ...(poetry?.dependencies ?? []),
    ...scripts.flatMap((script) => script.requirements),
    ...(setup?.dependencies ?? []),
  ]
  return expandSelf(listed, pyproject?.project?.name ?? setup?.name, extrasOf(facts))
}
