import type { Facts, Lock, Requirement } from "./facts.ts"
import type { ToolName } from "./plan.ts"
import { withIncludes } from "./requirements.ts"
import { extrasOf } from "./testDependencies.ts"

/** What of a project's dependencies is installed. */
export interface Selection {
  groups: readonly string[]
  extras: readonly string[]
  files: readonly string[]
  requirements: readonly Requirement[]
  /** Of these the ones that are from no file. */
  declared: readonly Requirement[]
}

interface Declared {
  /** As it can be installed by itself, with a version; absent where nothing says which. */
  text?: string
  /** The file, and the group or extra, that says so. */
  from: string
  /** True where nothing that can be installed of the project has it. */
  beside?: boolean
  selection: Selection
}

/** Where the project asks for a tool, and at which version: a lock before a list, groups before extras before files. */
export function declaredTool(
  facts: Facts,
  lock: Lock | undefined,
  tool: ToolName,
): Declared | undefined {
  const locked = lock?.packages.find(({ name }) => name === tool)
  if (lock !== undefined && locked !== undefined) {
    const places = Object.keys(locked.in).filter((place) => place !== "main")
    const main = places.length < Object.keys(locked.in).length
    const place = main ? undefined : places[0]
    return {
      text: exact(tool, locked, locked.version) ?? locked.text,
      from: lock.file,
      selection: selection(
        place === undefined
          ? {}
          : place.startsWith("extra:")
            ? { extras: [place.slice(6)] }
            : { groups: [place] },
      ),
    }
  }
  const version = facts.uvLock?.packages.find(({ name }) => name === tool)?.version
  const found = sources(facts, lock)
    .flatMap((source) => {
      const requirement = source.requirements.find(({ name }) => name === tool)
      return requirement === undefined ? [] : [{ source, requirement }]
    })
    // `dev` has what `lint` has and much more.
    .sort((a, b) => a.source.rank - b.source.rank || sizeOf(a.source) - sizeOf(b.source))[0]
  if (found !== undefined) {
    const { source, requirement } = found
    const text = exact(tool, requirement, version) ?? versioned(requirement)
    const from = version === undefined ? source.from : "uv.lock"
    return { ...(text === undefined ? {} : { text }), from, selection: source.selection }
  }
  // Locked for another's sake: nobody asks for it, but this is the version that the project lives with.
  if (version === undefined) return undefined
  return { text: `${tool}==${version}`, from: "uv.lock", beside: true, selection: selection({}) }
}

/** The requirement at the version of a lock. */
const exact = (
  tool: string,
  { extras = [] }: Requirement,
  version: string | undefined,
): string | undefined =>
  version === undefined
    ? undefined
    : `${tool}${extras.length > 0 ? `[${extras.join(",")}]` : ""}==${version}`

const versioned = ({ text, url }: Requirement): string | undefined =>
  url === true || /[<>=~!]/.test(text.split(";")[0] ?? "") ? text : undefined

const sizeOf = ({ selection }: Source): number => selection.requirements.length

interface Source {
  /** Groups before extras before files. */
  rank: number
  from: string
  requirements: readonly Requirement[]
  selection: Selection
}

function sources(facts: Facts, lock: Lock | undefined): Source[] {
  const found: Source[] = []
  const groups = { ...(lock === undefined ? facts.poetry?.groups : {}), ...facts.pyproject?.groups }
  for (const [name, requirements] of Object.entries(groups)) {
    const selected = selection({ groups: [name], requirements, declared: requirements })
    found.push({ rank: 1, from: `group ${name}`, requirements, selection: selected })
  }
  for (const [name, requirements] of Object.entries(extrasOf(facts))) {
    const selected = selection({ extras: [name], requirements, declared: requirements })
    found.push({ rank: 2, from: `extra ${name}`, requirements, selection: selected })
  }
  for (const file of facts.requirements) {
    const all = withIncludes(facts, [file.path])
    // A second index may be asked for by a list that the tests do not use and nobody has agreed to.
    if (all.some(({ options }) => options.some(([name]) => name === "--extra-index-url"))) continue
    const compiled = file.path.replace(/\.in$/, ".txt")
    if (compiled !== file.path && facts.requirements.some(({ path }) => path === compiled)) continue
    const requirements = all.flatMap((one) => one.requirements)
    const selected = selection({ files: [file.path], requirements })
    found.push({ rank: 3, from: file.path, requirements: file.requirements, selection: selected })
  }
  const { dependencies = [] } = facts.pyproject?.project ?? facts.setup ?? facts.poetry ?? {}
  const own = { from: "the dependencies", requirements: dependencies, selection: selection({}) }
  return [...found, { rank: 4, ...own }]
}

const selection = (parts: Partial<Selection>): Selection => ({
  groups: [],
  extras: [],
  files: [],
  requirements: [],
  declared: [],
  ...parts,
})
