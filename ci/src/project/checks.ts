import { toolUnknown } from "../errors.ts"
import { declaredTool, type Selection } from "./declaredTool.ts"
import type { Facts, Lock } from "./facts.ts"
import { type Hooked, hookOf, hooksBeside } from "./hooks.ts"
import { sourceTargets } from "./layout.ts"
import { decideLockCheck } from "./lockCheck.ts"
import type { Checks, CheckTool, Decision, Dependencies, Manager, ToolName } from "./plan.ts"
import { NODE, TOOL_VERSIONS } from "./toolVersions.ts"

/** What a check needs to know beside the facts. */
export interface CheckInput {
  facts: Facts
  names: readonly string[]
  manager: Manager
  lock: Lock | undefined
  /** What the tests install. */
  tests: Selection
  /** The dependency layer of a selection, with requirements that the project does not have. */
  layer(selection: Selection, provided: readonly string[]): Dependencies
}

type Kind = Hooked["does"]

const TOOLS: Record<Kind, readonly ToolName[]> = {
  lint: ["ruff", "flake8", "pylint", "pre-commit"],
  format: ["isort", "black", "ruff"],
  types: ["mypy", "pyright", "basedpyright", "ty"],
}

/** Nothing that is installed changes what they say. */
const APART: readonly ToolName[] = ["ruff", "black", "isort"]

/** They import plugins, or what they look at, so they are installed where the project is. */
const INSIDE: readonly ToolName[] = ["mypy", "pylint"]

/**
 * Syntax that no Python takes, comparisons that cannot be meant, and names that nothing defines. What only newer versions
 * have is for the tests to find: there may be a condition around it.
 */
const HARD = [
  ...["--isolated", "--select", "E9,F63,F7,F82", "--target-version", "py314"],
  // Defined by IPython, gettext and type checkers.
  ...["--config", 'builtins = ["get_ipython", "_", "reveal_type", "reveal_locals"]', "."],
]

/** Which tools check what, at which versions, and why. */
export function decideChecks(input: CheckInput): { checks: Checks; decisions: Decision[] } {
  const { facts } = input
  const tools = {} as Record<Kind, Choice[]>
  for (const kind of ["lint", "format", "types"] as const) tools[kind] = chosen(input, kind)
  tools.format = oneFormatter(facts, tools.format)
  const { lint } = tools
  const linted = lint.some(({ tool }) => tool.name !== "pre-commit")
  const hard: CheckTool[] =
    linted || facts.settings?.lint !== undefined
      ? []
      : [{ ...toolOf("ruff", pinned("ruff")), args: HARD }]
  const own = (kind: Kind): CheckTool[] => tools[kind].map(({ tool }) => tool)
  const [inLint, inTypes] = [environmentOf(input, lint), environmentOf(input, tools.types)]
  return {
    checks: {
      lint: [...hard, ...own("lint")],
      format: own("format"),
      types: own("types"),
      dependencies: {
        ...(inLint === undefined ? {} : { lint: inLint }),
        ...(inTypes === undefined ? {} : { types: inTypes }),
      },
      ...decideLockCheck(facts, input.lock),
    },
    decisions: (["lint", "format", "types"] as const).flatMap((kind) =>
      decisionOf(kind, tools[kind]),
    ),
  }
}

interface Choice {
  tool: CheckTool
  /** Why it is run. */
  because: string
  /** Where its version comes from. */
  version: string
  /** What of the project has it, for its environment. */
  selection?: Selection
  /** What its environment has beside that. */
  provided?: readonly string[]
}

function chosen(input: CheckInput, kind: Kind): Choice[] {
  const { facts } = input
  const setting = facts.settings?.[kind]
  if (setting !== undefined) {
    const file = facts.settings?.file ?? ""
    return setting.map((name) => {
      const tool = TOOLS[kind].find((known) => known === name)
      if (tool === undefined) throw toolUnknown(file, kind, name, TOOLS[kind])
      return choice(input, kind, tool, `the ${kind} setting`)
    })
  }
  return TOOLS[kind].flatMap((name) => {
    const why = configured(facts, kind, name)
    return why === undefined ? [] : [choice(input, kind, name, why)]
  })
}

/** What of the project's files asks for a tool. A dependency alone does not: it says not what for, nor how. */
function configured(facts: Facts, kind: Kind, name: ToolName): string | undefined {
  const { configs = [], hooks, commands = [] } = facts.checks ?? {}
  if (name === "pre-commit") {
    if (hooks === undefined) return undefined
    const runs = (tool: ToolName, does: Kind) => configured(facts, does, tool) !== undefined
    const { left, skipped } = hooksBeside(hooks, runs)
    // A file in which no hook was found is for pre-commit to read: it may be wrong.
    if (left === 0) return skipped.length > 0 ? undefined : hooks.file
    return `${left} other ${left === 1 ? "hook" : "hooks"} of ${hooks.file}`
  }
  const config = configs.find(({ tool }) => tool === name)
  // [tool.ruff] alone may be there for the linter.
  if (config !== undefined && (name !== "ruff" || kind === "lint" || config.format === true)) {
    const { file, section } = config
    return section === undefined ? file : `${section} of ${file}`
  }
  if (hookOf(hooks, name, kind) !== undefined) return `a hook of ${hooks?.file}`
  if (name !== "ruff" || kind !== "format") return undefined
  const command = commands.find(({ tool }) => tool === "ruff format")
  return command === undefined ? undefined : `a command of ${command.file}:${command.line}`
}

function choice(input: CheckInput, kind: Kind, name: ToolName, because: string): Choice {
  const { facts, lock } = input
  const hooks = facts.checks?.hooks
  if (name === "pre-commit") {
    const { skipped } = hooksBeside(
      hooks,
      (tool, does) => configured(facts, does, tool) !== undefined,
    )
    const args = skipped.flatMap((id) => ["--skip", id])
    return { tool: { ...toolOf(name, pinned(name)), args }, because, version: "" }
  }
  const args = targetsOf(input, kind, name)
  const hook = hookOf(hooks, name, kind)
  const known = declaredTool(facts, lock, name)
  // What is locked for another's sake says less than a hook that names its version.
  const declared = known?.beside === true && hook?.version !== undefined ? undefined : known
  const selection = declared === undefined ? {} : { selection: declared.selection }
  if (declared?.text !== undefined) {
    const { text, from, beside } = declared
    const found = { because, version: `${versionIn(text)} of ${from}`, ...selection }
    if (INSIDE.includes(name)) {
      const tool: CheckTool = { name, requirements: [], inProject: true, args }
      return { tool, ...found, provided: beside === true ? [text] : [] }
    }
    // Its plugins are what the project has beside it.
    if (name === "flake8" && beside !== true)
      return { tool: { name, requirements: [], inProject: true, args }, ...found }
    return { tool: { ...toolOf(name, [text]), args }, ...found }
  }
  const version = hook?.version
  const own = version === undefined ? pinned(name) : [`${name}==${version}`]
  const requirements = [...own, ...(hook?.dependencies ?? [])]
  const from = version === undefined ? "Pyline's own choice" : `${version} of ${hooks?.file}`
  const found = { because, version: from, ...selection }
  if (!INSIDE.includes(name)) return { tool: { ...toolOf(name, requirements), args }, ...found }
  const tool: CheckTool = { name, requirements: [], inProject: true, args }
  return { tool, ...found, provided: requirements }
}

const pinned = (name: ToolName): string[] => [...TOOL_VERSIONS[name]]

/** A tool that is installed apart. */
const toolOf = (name: ToolName, requirements: string[]): CheckTool => ({
  name,
  requirements: name === "pyright" ? [...requirements, NODE] : requirements,
  inProject: !APART.includes(name) && name !== "flake8",
  args: [],
})

const versionIn = (text: string): string => /==\s*([^\s;]+)/.exec(text)?.[1] ?? text

/** What a tool looks at: what its configuration says, what a hook or a command of the project has it look at, or all. */
function targetsOf({ facts, names }: CheckInput, kind: Kind, name: ToolName): string[] {
  const { configs = [], hooks, commands = [] } = facts.checks ?? {}
  if (["pyright", "basedpyright", "ty"].includes(name)) return []
  if (name === "mypy" && configs.some(({ tool, targets }) => tool === name && targets)) return []
  const all = name === "mypy" || name === "pylint" ? sourceTargets(names) : ["."]
  // Hooks are given every file.
  if (hookOf(hooks, name, kind) !== undefined) return all
  const called = name === "ruff" ? (kind === "format" ? "ruff format" : "ruff check") : name
  const isThere = (path: string): boolean =>
    path === "." ||
    path.endsWith(".pyi") ||
    names.some((file) => file === path || file.startsWith(`${path}/`))
  for (const { tool, paths } of commands) {
    const normal = paths.map((path) => path.replace(/^(?:\.\/+)+(?=.)/, "").replace(/\/+$/, ""))
    const known = normal.filter(isThere)
    if (tool === called && known.length > 0) return known
  }
  return all
}

/** Two formatters of the same code undo each other's work. */
function oneFormatter(facts: Facts, choices: Choice[]): Choice[] {
  if (facts.settings?.format !== undefined) return choices
  if (!["black", "ruff"].every((name) => choices.some(({ tool }) => tool.name === name)))
    return choices
  const hooked = hookOf(facts.checks?.hooks, "black", "format")
  const loser = hooked === undefined ? "black" : "ruff"
  return choices.filter(({ tool }) => tool.name !== loser)
}

/** The dependency layer for tools that run in the project's environment, with everything that declares one of them. */
function environmentOf(input: CheckInput, choices: readonly Choice[]): Dependencies | undefined {
  const inside = choices.filter(({ tool }) => tool.inProject)
  if (inside.length === 0) return undefined
  const selections = inside.flatMap(({ selection }) => selection ?? [])
  const { tests } = input
  // Lists that were compiled apart do not fit together; one that has the tool has what it needs.
  const files = [...new Set(selections.flatMap((one) => one.files))]
  const all: Selection = {
    groups: union(tests.groups, ...selections.map((one) => one.groups)),
    extras: union(tests.extras, ...selections.map((one) => one.extras)),
    files: files.length > 0 ? files : [...tests.files],
    requirements: [
      ...new Set([
        ...(files.length > 0 ? tests.declared : tests.requirements),
        ...selections.flatMap((one) => one.requirements),
      ]),
    ],
    declared: tests.declared,
  }
  return input.layer(
    all,
    inside.flatMap(({ provided = [] }) => provided),
  )
}

const union = (...lists: (readonly string[])[]): string[] => [...new Set(lists.flat())]

function decisionOf(kind: Kind, choices: readonly Choice[]): Decision[] {
  if (choices.length === 0) return []
  const said = choices.map(({ tool, because, version }) =>
    version === "" ? `${tool.name}: ${because}` : `${tool.name}: ${because}, version ${version}`,
  )
  return [
    {
      about: kind,
      value: choices.map(({ tool }) => tool.name).join(", "),
      rule: said.join("; "),
      rejected: [],
    },
  ]
}
