import { readdirSync, readFileSync } from "node:fs"

// The only place that reads the module's own files.
const directory = new URL("../../probe/", import.meta.url)

/** Text of one of the programs in ci/probe. */
export function asset(name: "evidence.py" | "apt.sh" | "build.py" | "run_tests.py"): string {
  return readFileSync(new URL(name, directory), "utf8")
}

/** Texts of the program that reads manifests, by their paths. */
export function probeProgram(): Record<string, string> {
  const modules = readdirSync(new URL("facts/", directory)).filter((name) => name.endsWith(".py"))
  const paths = ["probe.py", ...modules.sort().map((name) => `facts/${name}`)]
  return Object.fromEntries(
    paths.map((path) => [path, readFileSync(new URL(path, directory), "utf8")]),
  )
}

/**
 * Texts of the program of a check, by their paths: its own file and those that all share.
 *
 * @public
 */
export function checkProgram(name: string, ...modules: string[]): Record<string, string> {
  const paths = [name, "result", ...modules].map((module) => `checks/${module}.py`)
  return Object.fromEntries(
    paths.map((path) => [path, readFileSync(new URL(path, directory), "utf8")]),
  )
}
