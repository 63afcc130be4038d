import type { Facts } from "./facts.ts"
import { isBuilt } from "./package.ts"
import type { Manager, PackageBuild } from "./plan.ts"
import { normalise } from "./requirements.ts"
import { knownVersion, toldVersion, versionFromGit } from "./version.ts"

type Member = NonNullable<Facts["uvLock"]>["members"][number]

/** How the project's own sdist and wheel are built; `undefined` where it is no package. */
export function decideBuild(
  facts: Facts,
  manager: Manager,
  name: string | undefined,
): PackageBuild | undefined {
  const members = facts.uvLock?.members ?? []
  const member = members.find((one) => (name === undefined ? one.path === "." : one.name === name))
  const isPackage =
    manager === "uv" ? member !== undefined && member.kind !== "virtual" : isBuilt(facts, manager)
  if (!isPackage) return undefined
  const standIn = knownVersion(facts) === undefined ? versionFromGit(facts)?.version : undefined
  return {
    ...(member === undefined || member.path === "." ? {} : { directory: member.path }),
    locals: manager === "uv" ? localsOf(facts, members) : [],
    ...toldVersion(facts),
    ...(standIn === undefined ? {} : { standIn }),
    repository: listsWithGit(facts),
    ignore: facts.settings?.buildIgnore ?? [],
  }
}

/** Members of the workspace that the package depends on, and those that they depend on. No index has them. */
function localsOf(facts: Facts, members: readonly Member[]): string[] {
  const found = new Set<Member>()
  const follow = (pyproject: Facts["pyproject"]): void => {
    for (const { name } of pyproject?.project?.dependencies ?? []) {
      const member = members.find((one) => one.name === normalise(name))
      if (member === undefined || member.path === "." || found.has(member)) continue
      found.add(member)
      follow(member.pyproject)
    }
  }
  follow(facts.pyproject)
  return [...found].map(({ path }) => path).sort()
}

/** setuptools-scm and pbr put into an sdist what git tracks; without git they would leave most of it out. */
const listsWithGit = ({ pyproject, setup }: Facts): boolean => {
  const requires = pyproject?.build?.requires ?? []
  return (
    /^(setuptools|pbr)\b/.test(pyproject?.build?.backend ?? (setup ? "setuptools" : "")) &&
    (requires.some((requirement) =>
      /^(setuptools[-_.](scm|git)|pbr)(?![-_.\w])/i.test(requirement),
    ) ||
      (pyproject?.tools.includes("setuptools_scm") ?? false))
  )
}
