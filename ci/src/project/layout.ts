const TEST_FILE = /(^|\/)(test[^/]*|[^/]*_test|tests)\.py$/
const CASES = /(^|\/)(tests?|testing)\//

/** Files that a test runner would look into, by their names. */
export function testFiles(names: readonly string[]): string[] {
  return names.filter((name) => TEST_FILE.test(name))
}

/** A package or module below src/: such a project's root is no place to import from. */
export function hasSourceDirectory(names: readonly string[]): boolean {
  return (
    names.some((name) => /^src\/([^/]+\/)*[^/]+\.py$/.test(name)) &&
    !names.includes("src/__init__.py")
  )
}

const NOT_CODE = /^(?:tests?|testing|docs?|examples?|benchmarks?|scripts|tools)$/
const NOT_A_MODULE = /^(?:setup|conftest|noxfile|tasks|dodo|fabfile|test_.*|.*_test)\.py$/

/** Packages and modules that a tool which has to be told is told to look at; `.` where there are none. */
export function sourceTargets(names: readonly string[]): string[] {
  if (hasSourceDirectory(names)) return ["src"]
  const packages = names.flatMap((name) => /^([^/]+)\/__init__\.py$/.exec(name)?.[1] ?? [])
  const modules = names.filter((name) => /^[^/]+\.py$/.test(name) && !NOT_A_MODULE.test(name))
  const found = [...packages.filter((name) => !NOT_CODE.test(name)), ...modules].sort()
  return found.length === 0 ? ["."] : found
}

const MOST_NAMES = 300

/**
 * The Python files whose being there tells a build backend what the packages are: one for each directory, three levels
 * down, and every module at the top of a place that packages live in. `undefined` where they are too many to name.
 */
export function packageNames(names: readonly string[]): string[] | undefined {
  const directories = new Map<string, string>()
  const modules: string[] = []
  for (const name of names) {
    if (CASES.test(name)) continue
    const parts = name.split("/")
    if (parts.length > 4) continue
    const directory = parts.slice(0, -1).join("/")
    if (parts.length === 1 || directory === "src" || directory === "lib") {
      modules.push(name)
      continue
    }
    const known = directories.get(directory)
    const isPackage = parts[parts.length - 1] === "__init__.py"
    if (known === undefined || isPackage || (name < known && !known.endsWith("/__init__.py"))) {
      directories.set(directory, name)
    }
  }
  const found = [...modules, ...directories.values()].sort()
  return found.length > MOST_NAMES ? undefined : found
}
