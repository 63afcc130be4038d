import type { Facts, Requirement, UvLock } from "./facts.ts"

/** What of the lock is chosen. */
interface Selection {
  /** The member of a workspace, where it is not the root. */
  member?: string | undefined
  groups: readonly string[]
  extras: readonly string[]
}

/** Names of the distributions that `uv sync` installs of a lock, on any platform. */
export function namesIn(lock: UvLock, { member, groups, extras }: Selection): string[] {
  const root = lock.members.find(({ name, path }) =>
    member === undefined ? path === "." : name === member,
  )
  // A root that is no project of its own stands for all of its members.
  const roots = root === undefined ? lock.members : [root]
  const seen = new Map<string, Set<string>>()
  const visit = (name: string, wanted: readonly string[]): void => {
    const known = seen.get(name)
    const more = wanted.filter((extra) => known?.has(extra) !== true)
    if (known !== undefined && more.length === 0) return
    seen.set(name, new Set([...(known ?? []), ...more]))
    for (const entry of lock.packages) {
      if (entry.name !== name) continue
      for (const need of [...entry.needs, ...more.flatMap((extra) => entry.extras?.[extra] ?? [])])
        visit(need.name, need.extras ?? [])
    }
  }
  const ofRoot = root === undefined ? groups.flatMap((group) => lock.groups[group] ?? []) : []
  for (const need of ofRoot) visit(need.name, need.extras ?? [])
  for (const { name } of roots) {
    visit(name, extras)
    for (const entry of lock.packages) {
      if (entry.name !== name) continue
      for (const need of groups.flatMap((group) => entry.groups?.[group] ?? []))
        visit(need.name, need.extras ?? [])
    }
  }
  return [...seen.keys()].sort()
}

/** Whether git fetches any of what is installed: of the requirements, or of what uv's files say of them. */
export function fetchesWithGit(
  { uvLock, pyproject }: Facts,
  requirements: readonly Requirement[],
  selection: Selection,
): boolean {
  if (requirements.some(({ vcs }) => vcs === "git")) return true
  if (uvLock === undefined) return pyproject?.uv?.git === true
  const names = new Set(namesIn(uvLock, selection))
  return uvLock.packages.some(({ name, vcs }) => vcs === "git" && names.has(name))
}
