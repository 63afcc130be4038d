import type { Dependencies } from "./plan.ts"

/**
 * What the lock says of versions, as constraints for an installer, so that a check of an installed wheel does not change
 * with the releases of others. A name with several versions in the lock, for several platforms, is left open.
 */
export function constraintsOf(dependencies: Dependencies): string {
  const versions = new Map<string, Set<string>>()
  for (const [name, version] of locked(dependencies)) {
    const known = versions.get(name) ?? new Set()
    versions.set(name, known.add(version))
  }
  return [...versions]
    .filter(([, known]) => known.size === 1)
    .map(([name, known]) => `${name}==${[...known][0]}\n`)
    .join("")
}

function* locked(dependencies: Dependencies): Generator<[string, string]> {
  switch (dependencies.kind) {
    case "uv":
      yield* tables(dependencies.documents["uv.lock"] ?? "", "package")
      return
    case "pylock":
      yield* tables(dependencies.document, "packages")
      return
    case "locked":
    case "pip":
      for (const line of dependencies.requirements.split("\n")) {
        const found =
          /^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*([^\s;,*]+)\s*(?:;|--hash|$)/.exec(line)
        if (found?.[1] !== undefined && found[2] !== undefined) yield [found[1], found[2]]
      }
  }
}

/** Names and versions in the tables of a lock that a tool wrote. Those that come from no index are no constraints. */
function* tables(text: string, heading: string): Generator<[string, string]> {
  for (const table of text.split(`[[${heading}]]\n`).slice(1)) {
    const head = table.split(/\n\s*\n|\n\[/, 1)[0] ?? ""
    const name = /^name = "([^"]+)"$/m.exec(head)?.[1]
    const version = /^version = "([^"]+)"$/m.exec(head)?.[1]
    if (name === undefined || version === undefined) continue
    if (/^source = \{ (?:editable|virtual|directory|git|url|path) /m.test(head)) continue
    if (/^(?:vcs|archive|directory) = /m.test(head)) continue
    yield [name, version]
  }
}
