import { groupUnknown } from "../errors.ts"
import type { Facts, Requirement, Settings } from "./facts.ts"
import type { Decision, Manager } from "./plan.ts"
import { bringsPytest, expandSelf, filesFor, purposeOf, withIncludes } from "./requirements.ts"

/** What is installed beside the project's own dependencies so that its tests can run. */
export interface TestDependencies {
  groups: string[]
  extras: string[]
  files: string[]
  requirements: Requirement[]
  decision: Decision
}

interface Source {
  kind: "group" | "extra" | "file"
  name: string
  purpose: "test" | "dev"
  requirements: Requirement[]
}

const spoken = ({ kind, name }: Source): string => (kind === "file" ? name : `${kind} ${name}`)

/**
 * The fewest that bring the test runner: those named after tests, and those named after development only where the
 * former do not bring it. Groups and extras come before requirements files.
 */
export function selectTestDependencies(
  facts: Facts,
  manager: Manager,
  base: readonly Requirement[],
): TestDependencies {
  const sources = allSources(facts, manager)
  const { settings } = facts
  if (settings?.groups !== undefined || settings?.extras !== undefined)
    return chosen(facts, settings)

  const declared = sources.filter(({ kind }) => kind !== "file")
  const files = sources.filter(({ kind }) => kind === "file")
  const attempts: Source[][] = [
    declared.filter(({ purpose }) => purpose === "test"),
    [...declared, ...files].filter(({ purpose }) => purpose === "test"),
    [...declared, ...files.filter(({ purpose }) => purpose === "test")],
    sources,
  ]
  const enough = attempts.find((attempt) => bringsPytest([...base, ...flat(attempt)]))
  const selected = enough ?? sources
  const rejected = sources
    .filter((source) => !selected.includes(source))
    .map((source) => ({ value: spoken(source), why: "the others bring the test runner already" }))
  const rule =
    selected.length === 0
      ? sources.length === 0
        ? "no group, extra or file is named after tests or development"
        : "the project's own dependencies bring the test runner"
      : enough === undefined
        ? "all that are named after tests or development, since none brings pytest"
        : selected.some(({ purpose }) => purpose === "dev")
          ? selected.some(({ purpose }) => purpose === "test")
            ? "those named after tests bring no test runner, so those named after development are added"
            : "named after development; nothing is named after tests"
          : "named after tests"
  return result(selected, {
    about: "test dependencies",
    value: selected.map(spoken).join(", ") || "none",
    ...(selected[0] === undefined ? {} : { file: fileOf(facts, selected[0]) }),
    rule,
    rejected,
  })
}

function fileOf(facts: Facts, { kind, name }: Source): string {
  if (kind === "file") return name
  const inPyproject = kind === "group" || name in (facts.pyproject?.project?.extras ?? {})
  return inPyproject ? "pyproject.toml" : (facts.setup?.files.at(-1) ?? "pyproject.toml")
}
const flat = (sources: readonly Source[]): Requirement[] =>
  sources.flatMap(({ requirements }) => requirements)

function allSources(facts: Facts, manager: Manager): Source[] {
  const sources: Source[] = []
  const extras = extrasOf(facts)
  const self = facts.pyproject?.project?.name ?? facts.setup?.name
  const defaults = manager === "uv" ? (facts.pyproject?.uv?.defaultGroups ?? []) : []
  for (const [name, requirements] of Object.entries(facts.pyproject?.groups ?? {})) {
    const purpose = purposeOf(name) ?? (defaults.includes(name) ? "dev" : undefined)
    if (purpose === undefined) continue
    sources.push({
      kind: "group",
      name,
      purpose,
      requirements: expandSelf(requirements, self, extras),
    })
  }
  for (const [name, requirements] of Object.entries(extras)) {
    const purpose = purposeOf(name)
    if (purpose === undefined) continue
    sources.push({
      kind: "extra",
      name,
      purpose,
      requirements: expandSelf(requirements, self, extras),
    })
  }
  if (manager === "uv") return sources
  for (const purpose of ["test", "dev"] as const) {
    for (const name of filesFor(facts, purpose)) {
      const requirements = withIncludes(facts, [name]).flatMap((file) => file.requirements)
      sources.push({ kind: "file", name, purpose, requirements })
    }
  }
  return sources
}

/** Extras of pyproject.toml and of setuptools' own files. */
export function extrasOf(facts: Facts): Record<string, Requirement[]> {
  return { ...facts.setup?.extras, ...facts.pyproject?.project?.extras }
}

function chosen(facts: Facts, settings: Settings): TestDependencies {
  const extras = extrasOf(facts)
  const self = facts.pyproject?.project?.name ?? facts.setup?.name
  const pick = (
    kind: "group" | "extra",
    names: readonly string[],
    from: Record<string, Requirement[]>,
  ): Source[] =>
    names.map((name) => {
      const requirements = from[name.toLowerCase().replace(/[-_.]+/g, "-")]
      if (requirements === undefined)
        throw groupUnknown(settings.file, kind, name, Object.keys(from))
      return { kind, name, purpose: "test", requirements: expandSelf(requirements, self, extras) }
    })
  const selected = [
    ...pick("group", settings.groups ?? [], facts.pyproject?.groups ?? {}),
    ...pick("extra", settings.extras ?? [], extras),
  ]
  return result(selected, {
    about: "test dependencies",
    value: selected.map(spoken).join(", ") || "none",
    file: settings.file,
    rule: "the settings name them",
    rejected: [],
  })
}

function result(selected: readonly Source[], decision: Decision): TestDependencies {
  const named = (kind: Source["kind"]): string[] =>
    selected.filter((source) => source.kind === kind).map(({ name }) => name)
  return {
    groups: named("group"),
    extras: named("extra"),
    files: named("file"),
    requirements: flat(selected),
    decision,
  }
}
