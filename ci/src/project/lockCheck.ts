import type { Facts, Lock } from "./facts.ts"
import type { Checks } from "./plan.ts"

const MANIFEST: Record<Lock["manager"], string> = {
  poetry: "pyproject.toml",
  pdm: "pyproject.toml",
  pipenv: "Pipfile",
  pylock: "pyproject.toml",
}

/** How it is found out whether the lock is what the manifest says. A lock that its own hash gives away has no plan at all. */
export function decideLockCheck(facts: Facts, lock: Lock | undefined): Pick<Checks, "lock"> {
  if (lock !== undefined) {
    const { file, manager, hashed } = lock
    const manifest = MANIFEST[manager]
    if (!facts.files.includes(manifest)) return {}
    if (manager === "pylock")
      return { lock: { kind: "same", file, manifest, how: "it has each dependency" } }
    return hashed === true ? { lock: { kind: "same", file, manifest, how: "by its hash" } } : {}
  }
  if (facts.uvLock !== undefined) return { lock: { kind: "uv" } }
  const lists = facts.checks?.compiled ?? []
  return lists.length === 0 ? {} : { lock: { kind: "compiled", lists } }
}
