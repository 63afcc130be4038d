import { extraIndex, manifestInvalid, packageUnknown, projectElsewhere } from "../errors.ts"
import { decideBuild } from "./build.ts"
import { decideChecks } from "./checks.ts"
import type { Selection } from "./declaredTool.ts"
import { decideEnvironments } from "./environments.ts"
import type { Facts, Requirement } from "./facts.ts"
import { layer } from "./layer.ts"
import { hasSourceDirectory, testFiles } from "./layout.ts"
import { layerOf, lockedIn } from "./lock.ts"
import { decideManager } from "./manager.ts"
import { decidePackage } from "./package.ts"
import type { Decision, Dependencies, Plan } from "./plan.ts"
import { decideProduction } from "./production.ts"
import { DEFAULT, decidePython } from "./python.ts"
import { expandSelf, filesFor, normalise, withIncludes } from "./requirements.ts"
import { decideRunner, type Evidence } from "./runner.ts"
import { systemPackagesFor } from "./systemPackages.ts"
import { extrasOf, selectTestDependencies } from "./testDependencies.ts"
import { decideTesting } from "./testing.ts"
import { fetchesWithGit, namesIn } from "./uvGraph.ts"
import { versionFromGit } from "./version.ts"

/** What a plan is made from. */
export interface Input {
  facts: Facts
  /** Paths of the project's Python files. */
  names: readonly string[]
  /** The version asked for on the command line. */
  python?: string | undefined
  /** What the test files say, where it was asked for. */
  evidence?: Evidence | undefined
}

/** Turns facts into the plan; `"evidence"` where only the test files can tell which runner they are written for. */
export function decide(input: Input): Plan | "evidence" {
  const wanted = input.facts.settings?.package
  if (wanted === undefined) return decideFor(input, undefined)
  const members = input.facts.uvLock?.members ?? []
  const member = members.find(({ name }) => name === normalise(wanted))
  if (member === undefined)
    throw packageUnknown(
      input.facts.settings?.file ?? "",
      wanted,
      members.map(({ name }) => name),
    )
  if (member.path === "." || member.pyproject === undefined) return decideFor(input, member.name)
  const below = `${member.path}/`
  const plan = decideFor(
    {
      ...input,
      facts: withoutTestConfig({ ...input.facts, pyproject: member.pyproject }),
      names: input.names
        .filter((name) => name.startsWith(below))
        .map((name) => name.slice(below.length)),
    },
    member.name,
  )
  if (plan === "evidence") return plan
  const directory = [member.path, plan.runner.directory ?? []].flat().join("/")
  const production = { ...plan.production, directory: member.path }
  return { ...plan, runner: { ...plan.runner, directory }, pythonPath: [], production }
}

/** Configuration of the root is not that of a member. */
function withoutTestConfig({ addopts: _, coverage: __, ...facts }: Facts): Facts {
  return { ...facts, testConfig: [] }
}

function decideFor(input: Input, member: string | undefined): Plan | "evidence" {
  const { facts, names } = input
  const { manager, decision: managed, lock } = decideManager(facts)
  const nested = manager === "none" ? (facts.nested ?? []) : []
  if (
    nested.length > 0 &&
    !testFiles(names).some((name) => /^(tests?\/|[^/]+$)/.test(name)) &&
    names.every((name) => name.includes("/"))
  )
    throw projectElsewhere(nested)
  const own = lock === undefined ? ownDependencies(facts) : lockedIn(lock, ["main"])
  const lists = manager === "pip" ? filesFor(facts, "main") : []
  const listed = withIncludes(facts, lists).flatMap((file) => file.requirements)
  const version = versionFor(input)
  const tests = selectTestDependencies(facts, manager, lock, [...own, ...listed], version)
  refuseErrors(facts, [...lists, ...tests.files])

  const installed = [...own, ...listed, ...tests.requirements]
  refuseExtraIndex(facts, [...lists, ...tests.files])
  const runner = decideRunner(facts, names, installed, input.evidence, version)
  if (runner === undefined) return "evidence"
  const { testing, decisions: tested } = decideTesting(facts, runner.runner.kind, installed)
  const python = decidePython(facts.python, input.python, facts.classifiers)
  const build = decideBuild(facts, manager, member)
  const project = decidePackage(facts, manager, lock, names, [...lists, ...tests.files], tests)

  const open = lock === undefined ? [] : tests.open
  /** The layer of a choice among the project's dependencies, with what it does not have itself. */
  const layerWith = (selection: Selection, provided: readonly Requirement[]): Dependencies =>
    lock === undefined
      ? layer(facts, manager, own, [...lists, ...selection.files], selection, provided, member)
      : layerOf(
          lock,
          selection.groups,
          selection.extras,
          [...open, ...provided].map(({ text }) => text),
        )
  const dependencies = layerWith(tests, runner.provided)
  const { checks, decisions: checked } = decideChecks({
    facts,
    names,
    manager,
    lock,
    tests,
    layer: (selection, provided) =>
      layerWith(selection, [...runner.provided, ...provided.map((text) => ({ text }))]),
  })
  const vcs = fetchesWithGit(facts, installed, { member, ...tests }) ? ["git"] : []
  const asked = facts.settings?.apt ?? []
  const needs = systemPackagesFor([
    ...installed.flatMap(({ name }) => name ?? []),
    ...(facts.uvLock === undefined ? [] : namesIn(facts.uvLock, { member, ...tests })),
  ])
  const systemPackages = [
    ...new Set([...vcs, ...project.systemPackages, ...needs.build, ...needs.run, ...asked]),
  ].sort()
  const name = facts.pyproject?.project?.name ?? facts.poetry?.name ?? facts.setup?.name
  const tagged = project.install === undefined ? undefined : versionFromGit(facts)
  const decisions: Decision[] = [
    managed,
    python.decision,
    tests.decision,
    project.decision,
    ...(tagged?.decision === undefined ? [] : [tagged.decision]),
    runner.decision,
    ...tested,
  ]
  if (systemPackages.length > 0) {
    const rule = [
      ...(vcs.length > 0 ? ["a requirement is fetched with git"] : []),
      ...(project.systemPackages.length > 0 ? ["the project compiles extension modules"] : []),
      ...(needs.because.length > 0 ? [`${needs.because.join(", ")} cannot do without`] : []),
      ...(asked.length > 0 ? [`the apt setting of ${facts.settings?.file}`] : []),
    ].join("; ")
    decisions.push({
      about: "system packages",
      value: systemPackages.join(", "),
      rule,
      rejected: [],
    })
  }
  decisions.push(...checked)
  const indexes = facts.indexes?.filter(({ direct }) => !direct) ?? []
  if (indexes.length > 0) {
    decisions.push({
      about: "package indexes",
      value: indexes.map(({ name, url }) => (name ? `${name} (${url})` : url)).join(", "),
      rule: "named by the project; --index-credentials gives their credentials",
      rejected: [],
    })
  }
  const { environments, decision: delivered } = decideEnvironments(facts, name)
  if (delivered !== undefined) decisions.push(delivered)
  const warnings = [
    ...python.warnings,
    ...runner.warnings,
    ...project.warnings,
    ...(facts.indexes ?? [])
      .filter(({ password }) => password)
      .map(
        ({ file, url }) =>
          `${file} has the password of ${url} in it: take it out and hand it over with --index-credentials`,
      ),
    ...(tagged?.warnings ?? []),
    ...nested
      .slice(0, 3)
      .map(
        (path) =>
          `${path} is of another project, which is not looked at: --source takes one of them`,
      ),
    ...unlocked(facts, manager, installed),
    ...(open.length === 0
      ? []
      : [
          `${lock?.file} has no dependencies for tests: those of ${tests.decision.value} are installed beside it, and nothing locks them`,
        ]),
    ...unread(facts, [...lists, ...tests.files]),
  ]
  return {
    schema: 1,
    ...(name === undefined ? {} : { name }),
    python: python.version,
    matrix: python.matrix,
    manager,
    dependencies,
    ...(project.install === undefined ? {} : { package: project.install }),
    ...(build === undefined ? {} : { build }),
    ...auditOf(facts),
    runner: runner.runner,
    ...testing,
    ...(facts.indexes === undefined ? {} : { indexes: facts.indexes }),
    ...(facts.settings?.extraIndex === undefined ? {} : { extraIndex: facts.settings.extraIndex }),
    systemPackages,
    pythonPath: project.install === undefined && hasSourceDirectory(names) ? ["src"] : [],
    production: decideProduction(facts, manager, lock, names, member),
    checks,
    ...(environments === undefined ? {} : { environments }),
    decisions,
    warnings,
  }
}

/** The version of Python, also where what is wrong with it is not to be said before what is wrong with the manifests. */
function versionFor({ facts, python }: Input): string {
  try {
    return decidePython(facts.python, python, facts.classifiers).version
  } catch {
    return DEFAULT
  }
}

/** Dependencies that the project's own metadata names. */
function ownDependencies(facts: Facts): Requirement[] {
  const { pyproject, setup } = facts
  const self = pyproject?.project?.name ?? setup?.name
  const listed = pyproject?.project?.dependencies ?? [
    ...(facts.poetry?.dependencies ?? []),
    ...facts.scripts.flatMap(({ requirements }) => requirements),
    ...(setup?.dependencies ?? []),
    ...(setup?.testsRequire ?? []),
  ]
  return expandSelf(listed, self, extrasOf(facts))
}

/**
 * With two indexes pip takes the newest version that either has, so that whoever publishes a private name on the public
 * index is installed. Hashes tell files apart, and so does one index alone.
 */
function refuseExtraIndex(facts: Facts, used: readonly string[]): void {
  if (facts.settings?.extraIndex === "acknowledged") return
  for (const { path, options, requirements } of withIncludes(facts, used)) {
    const extra = options.find(([name]) => name === "--extra-index-url")
    if (extra === undefined || requirements.every(({ hashes }) => hashes.length > 0)) continue
    throw extraIndex(path, (extra[1] ?? "").replace(/\/\/[^@/]*@/, "//"))
  }
}

/** A requirements file that nothing installs from, such as one for documentation, may be as wrong as it likes. */
const isUnusedList = (facts: Facts, used: readonly string[], file: string): boolean =>
  facts.requirements.some(({ path }) => path === file) &&
  !withIncludes(facts, used).some(({ path }) => path === file)

function refuseErrors(facts: Facts, used: readonly string[]): void {
  const problems = [
    ...facts.errors,
    ...facts.missing
      .filter(({ optional }) => optional !== true)
      .map(({ path, file, line }) => ({
        file,
        line,
        message: `refers to ${path}, which is not there`,
      })),
  ].filter(({ file }) => !isUnusedList(facts, used, file))
  if (problems.length > 0) throw manifestInvalid(problems)
}

function unread(facts: Facts, used: readonly string[]): string[] {
  return facts.errors
    .filter(({ file }) => isUnusedList(facts, used, file))
    .map(
      ({ file, line, message }) =>
        `${file}${line === undefined ? "" : `:${line}`}: ${message} (not used)`,
    )
}

function unlocked(facts: Facts, manager: string, installed: readonly Requirement[]): string[] {
  const main = filesFor(facts, "main")
  if (manager !== "pip" || main.some((file) => file.endsWith(".txt")) || installed.length === 0)
    return []
  const open = installed.filter(({ text, url }) => !url && !/===?[^=]/.test(text))
  return open.length === 0
    ? []
    : ["nothing is locked: versions are chosen when the dependency layer is built"]
}

/** What the settings say of vulnerabilities. */
function auditOf({ settings }: Facts): Pick<Plan, "audit"> {
  const { auditIgnore: ignore = [], auditService: service } = settings ?? {}
  if (ignore.length === 0 && service === undefined) return {}
  return { audit: { ignore, ...(service === undefined ? {} : { service }) } }
}
