import type { Lock, LockedPackage } from "./facts.ts"
import type { Dependencies } from "./plan.ts"

/** What of a lock is chosen: the dependencies themselves, and groups and extras. */
export const placesOf = (groups: readonly string[], extras: readonly string[]): string[] => [
  "main",
  ...groups,
  ...extras.map((extra) => `extra:${extra}`),
]

/** Packages of the lock that any of the places wants. */
export function lockedIn(lock: Lock, places: readonly string[]): LockedPackage[] {
  return lock.packages.filter((entry) => places.some((place) => entry.in[place] !== undefined))
}

/** Groups and extras that the lock can install. */
export function placesIn(lock: Lock): { groups: string[]; extras: string[] } {
  const places = new Set(
    [...lock.packages, ...lock.locals].flatMap((entry) => Object.keys(entry.in)),
  )
  places.delete("main")
  const all = [...places].sort()
  return {
    groups: [...all.filter((place) => !place.startsWith("extra:")), ...(lock.groups ?? [])],
    extras: [
      ...all.filter((place) => place.startsWith("extra:")).map((place) => place.slice(6)),
      ...(lock.extras ?? []),
    ],
  }
}

/** The dependency layer of a lock. */
export function layerOf(
  lock: Lock,
  groups: readonly string[],
  extras: readonly string[],
  provided: readonly string[],
): Dependencies {
  if (lock.document !== undefined) {
    const known = placesIn(lock)
    const selection = [
      ...groups.filter((name) => known.groups.includes(name)).flatMap((name) => ["--group", name]),
      ...extras.filter((name) => known.extras.includes(name)).flatMap((name) => ["--extra", name]),
    ]
    return { kind: "pylock", document: lock.document, selection, provided: [...provided] }
  }
  const places = placesOf(groups, extras)
  const lines = lockedIn(lock, places).map((entry) => lineOf(entry, places))
  const own = lock.indexes.map(({ url }) => url)
  if (lines.length === 0 && provided.length === 0) return { kind: "none" }
  return {
    kind: "locked",
    requirements: lines.map((line) => `${line}\n`).join(""),
    indexes: own,
    provided: [...provided],
  }
}

function lineOf(entry: LockedPackage, places: readonly string[]): string {
  const markers = places.flatMap((place) => entry.in[place] ?? [])
  const distinct = [...new Set(markers)].sort()
  const marker = distinct.includes("")
    ? ""
    : distinct.length === 1
      ? distinct[0]
      : distinct.map((part) => `(${part})`).join(" or ")
  // A semicolon ends a URL only after a space.
  const condition = marker === "" ? [] : [`; ${marker}`]
  return [entry.text, ...condition, ...entry.hashes.map((hash) => `--hash=${hash}`)].join(" ")
}
