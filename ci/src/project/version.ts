import type { Facts, Git } from "./facts.ts"
import type { Decision } from "./plan.ts"
import { normalise } from "./requirements.ts"

/** The version of a project that asks git for it. No build sees a repository, so it is told one. */
export interface TaggedVersion {
  version: string
  /** Variables of the backends that tell it. */
  environment: Record<string, string>
  /** A file that tells it, for backends that read no variable. */
  files: Record<string, string>
  /** Absent where the project has a version of its own all the same. */
  decision?: Decision
  warnings: string[]
}

/** The version of this very source, where a file says it. */
export const knownVersion = (facts: Facts): string | undefined =>
  facts.settings?.version ?? facts.sdistVersion

/** How a build is told its version: nothing, for a project whose version stands in its files. */
export function toldVersion(facts: Facts): {
  environment: Record<string, string>
  files?: Record<string, string>
} {
  const { environment = {}, files = {} } = versionFromGit(facts) ?? {}
  return { environment, ...(Object.keys(files).length === 0 ? {} : { files }) }
}

/** `undefined` for a project whose version stands in its files. */
export function versionFromGit(facts: Facts): TaggedVersion | undefined {
  const { pyproject, setup, settings, sdistVersion, git } = facts
  const [version, rule, file] =
    settings?.version !== undefined
      ? [settings.version, "the version setting", settings.file]
      : sdistVersion !== undefined
        ? [sdistVersion, "the source distribution says it", "PKG-INFO"]
        : git?.version !== undefined
          ? [git.version, `${git.tag} is the highest tag`]
          : pyproject?.fallbackVersion !== undefined
            ? [pyproject.fallbackVersion, "the project's own fallback", "pyproject.toml"]
            : ["0.0.0", "nothing tells it"]
  const environment = variables(facts, version)
  const name = pyproject?.project?.name ?? facts.poetry?.name ?? setup?.name ?? "unknown"
  // versioningit knows no variable, but takes what a source distribution has.
  const files =
    requires(facts, /^versioningit\b/i) && sdistVersion === undefined
      ? { "PKG-INFO": `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n` }
      : {}
  if (Object.keys(environment).length + Object.keys(files).length === 0) return undefined
  // Such a project has the tool only to list its files.
  if (pyproject?.project?.version !== undefined)
    return { version, environment, files, warnings: [] }
  const told = settings?.version ?? sdistVersion ?? git?.version
  return {
    version,
    environment,
    files,
    decision: {
      about: "version",
      value: version,
      ...(file === undefined ? {} : { file }),
      rule: `${rule}; the build would ask git, whose history is no input`,
      rejected: [],
    },
    warnings:
      told === undefined
        ? [`the version comes from git, and ${why(git)}: it is ${version} here`]
        : [],
  }
}

function why(git: Git | undefined): string {
  const setting = 'set one: [tool.pyline] version = "1.2.3"'
  if (git === undefined) return `there is no .git (${setting})`
  if (git.elsewhere)
    return `.git is a link to a repository elsewhere, as in worktrees and submodules (${setting})`
  if (git.tags > 0) return `no tag is a version (${setting})`
  const clone = git.shallow ? "this shallow clone" : "the repository"
  return `${clone} has no tags (git fetch --tags; for actions/checkout fetch-depth: 0; or ${setting})`
}

const requires = ({ pyproject }: Facts, pattern: RegExp): boolean =>
  pyproject?.build?.requires.some((requirement) => pattern.test(requirement)) ?? false

function variables(facts: Facts, version: string): Record<string, string> {
  const { pdmScm, project, tools } = facts.pyproject ?? {}
  const name = project?.name ?? facts.poetry?.name ?? facts.setup?.name
  const found: Record<string, string> = {}
  if (
    requires(facts, /^(setuptools|hatch|vcs|flit)[-_.](scm|vcs|versioning)\b/i) ||
    tools?.includes("setuptools_scm") ||
    facts.setup?.versionFrom === "setuptools-scm"
  ) {
    found.SETUPTOOLS_SCM_PRETEND_VERSION = version
    if (name !== undefined) {
      const suffix = (normalise(name) ?? "").toUpperCase().replaceAll("-", "_")
      found[`SETUPTOOLS_SCM_PRETEND_VERSION_FOR_${suffix}`] = version
    }
  }
  if (pdmScm && project?.dynamic.includes("version")) found.PDM_BUILD_SCM_VERSION = version
  if (requires(facts, /^pbr\b/i) || facts.setup?.versionFrom === "pbr") found.PBR_VERSION = version
  if (requires(facts, /^poetry[-_.]dynamic[-_.]versioning\b/i))
    found.POETRY_DYNAMIC_VERSIONING_BYPASS = version
  if (requires(facts, /^uv[-_.]dynamic[-_.]versioning\b/i))
    found.UV_DYNAMIC_VERSIONING_BYPASS = version
  return found
}
