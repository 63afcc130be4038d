import { groupUnknown } from "../errors.ts"
import type { Facts, Lock, Requirement, Settings } from "./facts.ts"
import { lockedIn, placesIn } from "./lock.ts"
import type { Decision, Manager } from "./plan.ts"
import {
  bringsPytest,
  expandSelf,
  filesFor,
  normalise,
  purposeOf,
  withIncludes,
} from "./requirements.ts"
import { linesFor, sessionsOf } from "./sessions.ts"

/** What is installed beside the project's own dependencies so that its tests can run. */
export interface TestDependencies {
  groups: string[]
  extras: string[]
  files: string[]
  requirements: Requirement[]
  /** Of these the ones that are from no file. */
  declared: Requirement[]
  /** Of these the ones that no lock has. */
  open: Requirement[]
  decision: Decision
}

interface Source {
  kind: "group" | "extra" | "file" | "environment"
  name: string
  /** The file it stands in. */
  file: string
  purpose: "test" | "dev" | "other"
  requirements: Requirement[]
  /** True where the lock has it. */
  locked?: boolean
}

const spoken = ({ kind, name, file }: Source): string =>
  kind === "file" ? name : kind === "environment" ? `${file}'s ${name}` : `${kind} ${name}`

/**
 * The fewest that bring the test runner: those named after tests, and those named after development only where the
 * former do not bring it. Groups and extras come before requirements files.
 */
export function selectTestDependencies(
  facts: Facts,
  manager: Manager,
  lock: Lock | undefined,
  base: readonly Requirement[],
  python: string,
): TestDependencies {
  const all = allSources(facts, manager, lock, python)
  const { settings } = facts
  if (settings?.groups !== undefined || settings?.extras !== undefined)
    return chosen(facts, settings, lock)

  const sources = all.filter(({ purpose, kind }) => purpose !== "other" && kind !== "environment")
  const declared = sources.filter(({ kind }) => kind !== "file")
  const files = sources.filter(({ kind }) => kind === "file")
  const last = all.filter(({ kind }) => kind === "environment").slice(0, 1)
  const attempts: Source[][] = [
    declared.filter(({ purpose }) => purpose === "test"),
    [...declared, ...files].filter(({ purpose }) => purpose === "test"),
    [...declared, ...files.filter(({ purpose }) => purpose === "test")],
    sources,
    // Not named after tests, but it brings the runner.
    all.filter((source) => source.purpose === "other" || sources.includes(source)),
    [...sources, ...last],
  ]
  const enough = attempts.find((attempt) => bringsPytest([...base, ...flat(attempt)]))
  const selected = enough ?? (sources.length > 0 ? sources : last)
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
        : selected.some(({ kind }) => kind === "environment")
          ? "what the project's own test environment installs, since nothing else brings the test runner"
          : selected.some(({ purpose }) => purpose === "other")
            ? "it brings pytest, and nothing that is named after tests or development does"
            : selected.some(({ purpose }) => purpose === "dev")
              ? selected.some(({ purpose }) => purpose === "test")
                ? "those named after tests bring no test runner, so those named after development are added"
                : "named after development; nothing is named after tests"
              : "named after tests"
  return result(
    selected,
    {
      about: "test dependencies",
      value: selected.map(spoken).join(", ") || "none",
      ...(selected[0] === undefined ? {} : { file: selected[0].file }),
      rule,
      rejected,
    },
    lock,
  )
}

/** What a name is for; a group that brings pytest under another name is the last resort. */
function purposeIn(
  kind: "group" | "extra",
  name: string,
  requirements: readonly Requirement[],
): Source["purpose"] | undefined {
  const purpose = purposeOf(name)
  if (purpose !== undefined) return purpose
  return kind === "group" && requirements.some((one) => one.name === "pytest") ? "other" : undefined
}

/** Groups and extras as a lock has them, resolved. */
function lockSources(lock: Lock): Source[] {
  const { groups, extras } = placesIn(lock)
  const sources: Source[] = []
  for (const [kind, names] of [["group", groups] as const, ["extra", extras] as const]) {
    for (const name of names) {
      // pylock.toml does not tell what is for which group before it is installed.
      const requirements =
        lock.document === undefined
          ? lockedIn(lock, [kind === "group" ? name : `extra:${name}`])
          : lock.packages
      const purpose = purposeIn(kind, name, requirements)
      if (purpose !== undefined)
        sources.push({ kind, name, file: lock.file, purpose, requirements, locked: true })
    }
  }
  return sources
}

function environmentSources(facts: Facts, python: string): Source[] {
  const environment = sessionsOf(facts, "tox", python).names[0] ?? "py"
  const extras = extrasOf(facts)
  const groups = facts.pyproject?.groups ?? {}
  const named = (names: readonly string[] | undefined, from: Record<string, Requirement[]>) =>
    (names ?? []).flatMap((name) => from[normalise(name) ?? name] ?? [])
  return facts.environments.map((one) => ({
    kind: "environment",
    name: one.name,
    file: one.file,
    purpose: "test",
    requirements: [
      ...linesFor(one.requirements, environment),
      ...withIncludes(
        facts,
        linesFor(one.includes, environment).map(({ path }) => path),
      ).flatMap((file) => file.requirements),
      ...named(one.extras, extras),
      ...named(one.groups, groups),
    ],
  }))
}

const flat = (sources: readonly Source[]): Requirement[] =>
  sources.flatMap(({ requirements }) => requirements)

function allSources(
  facts: Facts,
  manager: Manager,
  lock: Lock | undefined,
  python: string,
): Source[] {
  const sources: Source[] = lock === undefined ? [] : lockSources(lock)
  const known = (kind: string, name: string): boolean =>
    sources.some((source) => source.kind === kind && source.name === name)
  const extras = extrasOf(facts)
  const self = facts.pyproject?.project?.name ?? facts.setup?.name
  const defaults = manager === "uv" ? (facts.pyproject?.uv?.defaultGroups ?? []) : []
  const groups = {
    ...(lock === undefined ? facts.poetry?.groups : {}),
    ...facts.pyproject?.groups,
  }
  for (const [name, requirements] of Object.entries(groups)) {
    const purpose = defaults.includes(name)
      ? (purposeOf(name) ?? "dev")
      : purposeIn("group", name, requirements)
    if (purpose === undefined || known("group", name)) continue
    sources.push({
      kind: "group",
      name,
      file: "pyproject.toml",
      purpose,
      requirements: expandSelf(requirements, self, extras),
    })
  }
  for (const [name, requirements] of Object.entries(extras)) {
    const purpose = purposeOf(name)
    if (purpose === undefined || known("extra", name)) continue
    sources.push({
      kind: "extra",
      name,
      file:
        name in (facts.pyproject?.project?.extras ?? {})
          ? "pyproject.toml"
          : (facts.setup?.files.at(-1) ?? "pyproject.toml"),
      purpose,
      requirements: expandSelf(requirements, self, extras),
    })
  }
  if (manager === "uv") return sources
  for (const purpose of ["test", "dev"] as const) {
    for (const name of filesFor(facts, purpose)) {
      const requirements = withIncludes(facts, [name]).flatMap((file) => file.requirements)
      sources.push({ kind: "file", name, file: name, purpose, requirements })
    }
  }
  sources.push(...environmentSources(facts, python))
  return sources
}

/** Extras of pyproject.toml and of setuptools' own files. */
export function extrasOf(facts: Facts): Record<string, Requirement[]> {
  return {
    ...facts.setup?.extras,
    ...facts.poetry?.extras,
    ...facts.pyproject?.project?.extras,
  }
}

function chosen(facts: Facts, settings: Settings, lock: Lock | undefined): TestDependencies {
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
      return {
        kind,
        name,
        file: settings.file,
        purpose: "test",
        requirements: expandSelf(requirements, self, extras),
        locked: places[kind === "group" ? "groups" : "extras"].includes(name),
      }
    })
  const places = lock === undefined ? { groups: [], extras: [] } : placesIn(lock)
  const inLock = (names: readonly string[], prefix: string): Record<string, Requirement[]> =>
    Object.fromEntries(
      names.map((name) => [name, lock === undefined ? [] : lockedIn(lock, [`${prefix}${name}`])]),
    )
  const selected = [
    ...pick("group", settings.groups ?? [], {
      ...facts.pyproject?.groups,
      ...inLock(places.groups, ""),
    }),
    ...pick("extra", settings.extras ?? [], { ...extras, ...inLock(places.extras, "extra:") }),
  ]
  return result(
    selected,
    {
      about: "test dependencies",
      value: selected.map(spoken).join(", ") || "none",
      file: settings.file,
      rule: "the settings name them",
      rejected: [],
    },
    lock,
  )
}

function result(
  selected: readonly Source[],
  decision: Decision,
  lock: Lock | undefined,
): TestDependencies {
  const named = (kind: Source["kind"]): string[] =>
    selected.filter((source) => source.kind === kind).map(({ name }) => name)
  return {
    groups: named("group"),
    extras: named("extra"),
    files: named("file"),
    requirements: flat(selected),
    declared: flat(selected.filter(({ kind }) => kind !== "file")),
    open: flat(selected.filter(({ locked }) => locked !== true)).filter(
      ({ name }) => lock === undefined || !lock.packages.some((one) => one.name === name),
    ),
    decision,
  }
}
