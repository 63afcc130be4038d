import type { Hooks } from "./facts.ts"
import type { ToolName } from "./plan.ts"

/** Repositories of hooks whose tags are the versions of the tool that they run. */
const MIRRORS: Record<string, ToolName> = {
  "astral-sh/ruff-pre-commit": "ruff",
  "charliermarsh/ruff-pre-commit": "ruff",
  "psf/black": "black",
  "psf/black-pre-commit-mirror": "black",
  "pycqa/isort": "isort",
  "timothycrosley/isort": "isort",
  "pre-commit/mirrors-isort": "isort",
  "pycqa/flake8": "flake8",
  "pycqa/pylint": "pylint",
  "pylint-dev/pylint": "pylint",
  "pre-commit/mirrors-pylint": "pylint",
  "pre-commit/mirrors-mypy": "mypy",
  "robertcraigie/pyright-python": "pyright",
  "detachhead/basedpyright-pre-commit-mirror": "basedpyright",
  "astral-sh/ty-pre-commit": "ty",
}

/** Hooks that do what Pyline's own checks do, by their ids. */
const IDS: Record<string, { tool: ToolName; does: "lint" | "format" | "types" }> = {
  ruff: { tool: "ruff", does: "lint" },
  "ruff-check": { tool: "ruff", does: "lint" },
  "ruff-format": { tool: "ruff", does: "format" },
  black: { tool: "black", does: "format" },
  "black-jupyter": { tool: "black", does: "format" },
  isort: { tool: "isort", does: "format" },
  flake8: { tool: "flake8", does: "lint" },
  pylint: { tool: "pylint", does: "lint" },
  mypy: { tool: "mypy", does: "types" },
  pyright: { tool: "pyright", does: "types" },
  basedpyright: { tool: "basedpyright", does: "types" },
  ty: { tool: "ty", does: "types" },
  "ty-check": { tool: "ty", does: "types" },
}

/** What the hooks say of a tool. */
export interface Hooked {
  does: "lint" | "format" | "types"
  /** The version that the repository of the hook is pinned to. */
  version?: string
  /** What it wants beside the tool, such as plugins or the types of libraries. */
  dependencies: string[]
}

const ownerAndName = (repo: string): string =>
  repo
    .toLowerCase()
    .replace(/\.git$/, "")
    .split(/[/:]/)
    .slice(-2)
    .join("/")

/** How the hooks use a tool for a check; undefined where they do not. */
export function hookOf(
  hooks: Hooks | undefined,
  tool: ToolName,
  does: Hooked["does"],
): Hooked | undefined {
  for (const { repo, version, hooks: listed } of hooks?.repos ?? []) {
    const own = MIRRORS[ownerAndName(repo)] === tool
    for (const { id, dependencies } of listed) {
      const known = IDS[id]
      if (known === undefined || known.tool !== tool || known.does !== does) continue
      return { does, dependencies, ...(own && version !== undefined ? { version } : {}) }
    }
  }
  return undefined
}

/** Hooks that Pyline's own checks stand for, and how many there are beside them. */
export function hooksBeside(
  hooks: Hooks | undefined,
  runs: (tool: ToolName, does: Hooked["does"]) => boolean,
): { skipped: string[]; left: number } {
  const ids = (hooks?.repos ?? []).flatMap((repo) => repo.hooks.map(({ id }) => id))
  const skipped = ids.filter((id) => {
    const known = IDS[id]
    return known !== undefined && runs(known.tool, known.does)
  })
  return { skipped: [...new Set(skipped)].sort(), left: ids.length - skipped.length }
}
