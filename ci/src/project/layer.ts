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
  const document = lists.length === 0 ? facts.pyproject?.uv?.document : undefined
  const self = normalise(facts.pyproject?.project?.name ?? facts.setup?.name)
  const files = withIncludes(facts, lists)
  const lines: string[] = []
  for (const { options } of files) {
    for (const option of options) if (option[0] !== "--prerelease") lines.push(option.join(" "))
  }
  const fromFiles = files.flatMap((file) => file.requirements)
  for (const { text, hashes } of fromFiles)
    lines.push([text, ...hashes.map((hash) => `--hash=${hash}`)].join(" "))
  lines.push(...indexLines(facts, lists))
  const listed =
    document === undefined
      ? [...own, ...withoutFiles(tests, fromFiles)]
      : withoutFiles(tests, fromFiles).filter((one) => !isDeclared(facts, one))
  for (const { text, name } of [...listed, ...provided])
    if (name === undefined || name !== self) lines.push(text)
  // `-e .[test]` in a list asks for an extra of the project.
  const extras = extrasOf(facts)
  for (const { path, extras: names } of files.flatMap((file) => file.locals)) {
    if (path !== ".") continue
    for (const extra of names)
      for (const { text } of expandSelf(extras[normalise(extra) ?? ""] ?? [], self, extras))
        lines.push(text)
  }
  if (lines.length === 0 && document === undefined) return { kind: "none" }
  const constraints = withIncludes(
    facts,
    files.flatMap((file) => file.constraints.map(({ path }) => path)),
  )
  return {
    kind: "pip",
    requirements: [...new Set(lines)].map((line) => `${line}\n`).join(""),
    constraints: constraints
      .flatMap((file) => file.requirements.map(({ text }) => `${text}\n`))
      .join(""),
    options: files.some(({ options }) => options.some(([name]) => name === "--prerelease"))
      ? ["--prerelease", "allow"]
      : [],
    ...(document === undefined
      ? {}
      : {
          pyproject: {
            document,
            selection: [
              ...tests.groups.flatMap((group) => ["--group", group]),
              ...tests.extras.flatMap((extra) => ["--extra", extra]),
            ],
          },
        }),
  }
}

/** Whether pyproject.toml itself has it, in a group or an extra. */
const isDeclared = ({ pyproject }: Facts, one: Requirement): boolean =>
  [...Object.values(pyproject?.groups ?? {}), ...Object.values(pyproject?.project?.extras ?? {})]
    .flat()
    .some(({ text }) => text === one.text)

/**
 * Indexes that pyproject.toml names for all packages, where no lock has chosen from them. The installer takes a name from the
 * first index that has it, and these come before the public one, so that nobody can publish a private name there.
 */
function indexLines({ indexes, pyproject }: Facts, lists: readonly string[]): string[] {
  if (lists.length > 0) return []
  return (indexes ?? [])
    .filter(({ file, only }) => file === "pyproject.toml" && (!only || pyproject?.uv === undefined))
    .map(({ url, main }) => `${main ? "--index-url" : "--extra-index-url"} ${url}`)
}

const withoutFiles = (
  tests: Pick<Selection, "groups" | "extras" | "requirements">,
  fromFiles: readonly Requirement[],
): Requirement[] =>
  tests.requirements.filter((requirement) => !fromFiles.includes(requirement as never))
