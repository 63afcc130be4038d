import type { Facts, Requirement, RequirementsFile } from "./facts.ts"

const TESTS = /^(?:test|tests|testing|pytest|unittest|unit-tests?)$/
const DEVELOPMENT = /^(?:dev|devel|develop|development)$/

/** What a name of a dependency group, extra or requirements file says it is for. */
export function purposeOf(name: string): "test" | "dev" | undefined {
  if (TESTS.test(name)) return "test"
  return DEVELOPMENT.test(name) ? "dev" : undefined
}

const FILE =
  /^(?:requirements[-_.](?<after>[a-z]+)|(?<before>[a-z]+)[-_.]requirements|requirements\/(?<inside>[a-z-]+)|(?<folder>tests?)\/requirements)\.(?:txt|in)$/

/** The same for the path of a requirements file: `requirements-dev.txt`, `test-requirements.txt`, `requirements/tests.in`. */
function purposeOfFile(path: string): "main" | "test" | "dev" | undefined {
  if (path === "requirements.txt" || path === "requirements.in") return "main"
  const groups = FILE.exec(path.toLowerCase())?.groups
  const word = groups?.after ?? groups?.before ?? groups?.inside ?? groups?.folder
  if (word === undefined) return undefined
  if (/^(?:base|main|common|requirements|prod|production)$/.test(word)) return "main"
  return purposeOf(word.replace(/^ci$/, "test").replace(/^local$/, "dev"))
}

/** Files for a purpose. A list that pip-compile wrote (.txt) stands for the list it was written from (.in). */
export function filesFor(facts: Facts, purpose: "main" | "test" | "dev"): string[] {
  const files = facts.requirements
    .map(({ path }) => path)
    .filter((path) => purposeOfFile(path) === purpose)
  const found = files.filter(
    (path) => path.endsWith(".txt") || !files.includes(path.replace(/\.in$/, ".txt")),
  )
  if (purpose !== "main") return found.sort()
  // One list is the application's. The others (requirements/prod.txt beside base.txt) include or extend it.
  const order = ["requirements.txt", "requirements.in"]
  const root = order.find((path) => found.includes(path))
  return root === undefined ? found.sort().slice(0, 1) : [root]
}

/** The files and everything they include, in reading order, each once. */
export function withIncludes(facts: Facts, paths: readonly string[]): RequirementsFile[] {
  const seen = new Map<string, RequirementsFile>()
  const visit = (path: string): void => {
    const file = facts.requirements.find((candidate) => candidate.path === path)
    if (file === undefined || seen.has(path)) return
    seen.set(path, file)
    for (const include of file.includes) visit(include.path)
  }
  for (const path of paths) visit(path)
  return [...seen.values()]
}

/** Requirements with `name[extra]` of the project itself replaced by what the extra holds. */
export function expandSelf(
  requirements: readonly Requirement[],
  self: string | undefined,
  extras: Record<string, Requirement[]>,
): Requirement[] {
  const seen = new Set<string>()
  const expand = (list: readonly Requirement[]): Requirement[] =>
    list.flatMap((requirement) => {
      if (requirement.name === undefined || requirement.name !== normalise(self))
        return [requirement]
      return (requirement.extras ?? []).flatMap((extra) => {
        if (seen.has(extra)) return []
        seen.add(extra)
        return expand(extras[normalise(extra) ?? extra] ?? [])
      })
    })
  return expand(requirements)
}

/** PEP 503. */
export function normalise(name: string | undefined): string | undefined {
  return name?.toLowerCase().replace(/[-_.]+/g, "-")
}

/** True where installing them brings pytest: by name, or as what a plugin depends on. */
export function bringsPytest(requirements: readonly Requirement[]): boolean {
  return requirements.some(({ name }) => name === "pytest" || name?.startsWith("pytest-"))
}
