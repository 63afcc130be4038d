import type { Selection } from "./declaredTool.ts"
import type { Facts, Requirement } from "./facts.ts"
import type { Dependencies } from "./plan.ts"
import { expandSelf, normalise, withIncludes } from "./requirements.ts"
import { extrasOf } from "./testDependencies.ts"

/** The dependency layer of a project that no lock but uv's describes. */
export function layer(
  facts: Facts,
  manager: string,
  own: readonly Requirement[],
  lists: readonly string[],
  tests: Pick<Selection, "groups" | "extras" | "requirements">,
  provided: readonly Requirement[],
  member: string | undefined,
): Dependencies {
  if (manager === "uv" && facts.uvLock !== undefined) {
    const selection = [
      ...(member === undefined ? [] : ["--package", member]),
      "--no-default-groups",
      ...tests.groups.flatMap((group) => ["--group", group]),
      ...tests.extras.flatMap((extra) => ["--extra", extra]),
    ]
    return {
      kind: "uv",
      documents: facts.uvLock.documents,
      selection,
      // What a build computes cannot be compared with the lock before the build.
      verify: !(facts.pyproject?.dynamicDependencies ?? false),
      provided: provided.map(({ text }) => text),
    }
  }
  const self = normalise(facts.pyproject?.project?.name ?? facts.setup?.name)
  const files = withIncludes(facts, lists)
  const lines: string[] = []
  for (const { options } of files) {
    for (const option of options) if (option[0] !== "--prerelease") lines.push(option.join(" "))
  }
  const fromFiles = files.flatMap((file) => file.requirements)
  for (const { text, hashes } of fromFiles)
    lines.push([text, ...hashes.map((hash) => `--hash=${hash}`)].join(" "))
  for (const { text, name } of [...own, ...withoutFiles(tests, fromFiles), ...provided])
    if (name === undefined || name !== self) lines.push(text)
  // `-e .[test]` in a list asks for an extra of the project.
  const extras = extrasOf(facts)
  for (const { path, extras: names } of files.flatMap((file) => file.locals)) {
    if (path !== ".") continue
    for (const extra of names)
      for (const { text } of expandSelf(extras[normalise(extra) ?? ""] ?? [], self, extras))
        lines.push(text)
  }
  if (lines.length === 0) return { kind: "none" }
  const constraints = withIncludes(
    facts,
    files.flatMap((file) => file.constraints.map(({ path }) => path)),
  )
  return {
    kind: "pip",
    requirements: `${[...new Set(lines)].join("\n")}\n`,
    constraints: constraints
      .flatMap((file) => file.requirements.map(({ text }) => `${text}\n`))
      .join(""),
    options: files.some(({ options }) => options.some(([name]) => name === "--prerelease"))
      ? ["--prerelease", "allow"]
      : [],
  }
}

const withoutFiles = (
  tests: Pick<Selection, "groups" | "extras" | "requirements">,
  fromFiles: readonly Requirement[],
): Requirement[] =>
  tests.requirements.filter((requirement) => !fromFiles.includes(requirement as never))
