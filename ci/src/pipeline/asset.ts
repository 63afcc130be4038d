import { readdirSync, readFileSync } from "node:fs"

// The only place that reads the module's own files.
const directory = new URL("../../probe/", import.meta.url)

/** Text of one of the programs in ci/probe. */
export function asset(
  name:
    | "app.py"
    | "evidence.py"
    | "apt.sh"
    | "build.py"
    | "make_dist.py"
    | "try_dist.py"
    | "combine_coverage.py"
    | "signing/requirements.txt",
): string {
  return readFileSync(new URL(name, directory), "utf8")
}

/** Texts of one of the Python packages in ci/probe, by their paths. */
export function packageProgram(
  name: "package_index" | "registry" | "sbom" | "scan" | "signing",
): Record<string, string> {
  const modules = readdirSync(new URL(`${name}/`, directory)).filter((file) => file.endsWith(".py"))
  const paths = modules.sort().map((file) => `${name}/${file}`)
  return Object.fromEntries(
    paths.map((path) => [path, readFileSync(new URL(path, directory), "utf8")]),
  )
}

/** Texts of the program that brings images to environments, and of the client of registries that it uses, by their paths. */
export function deliveryProgram(): Record<string, string> {
  const names = readdirSync(new URL("delivery/", directory), { recursive: true, encoding: "utf8" })
  const paths = names.filter((file) => file.endsWith(".py")).map((file) => `delivery/${file}`)
  return {
    ...packageProgram("registry"),
    ...Object.fromEntries(
      paths.sort().map((path) => [path, readFileSync(new URL(path, directory), "utf8")]),
    ),
  }
}

/** Texts of the program that reads manifests, by their paths. */
export const probeProgram = (): Record<string, string> => program("probe.py", "facts")

/** Texts of the program that runs tests, by their paths. */
export const testProgram = (): Record<string, string> => program("run_tests.py", "pyline_suite")

/** Text of the program that combines coverage, by its path. */
export const coverageProgram = (): Record<string, string> => ({
  "combine_coverage.py": asset("combine_coverage.py"),
})

/** A program and the modules beside it. */
function program(name: string, folder: string): Record<string, string> {
  const modules = readdirSync(new URL(`${folder}/`, directory)).filter((file) =>
    file.endsWith(".py"),
  )
  const paths = [name, ...modules.sort().map((file) => `${folder}/${file}`)]
  return Object.fromEntries(
    paths.map((path) => [path, readFileSync(new URL(path, directory), "utf8")]),
  )
}

/** Texts of the program of a check, by their paths: its own file and those that all share. */
export function checkProgram(name: string, ...modules: string[]): Record<string, string> {
  const paths = [name, "result", ...modules].map((module) => `checks/${module}.py`)
  return Object.fromEntries(
    paths.map((path) => [path, readFileSync(new URL(path, directory), "utf8")]),
  )
}

/** Text of a program that makes a layer of an image. */
export function imageProgram(name: "layer.py" | "system.py"): string {
  return readFileSync(new URL(`image/${name}`, directory), "utf8")
}

/** Texts of the program that makes the page of a report folder, and of the page's own parts, by their paths. */
export function reportProgram(): Record<string, string> {
  const names = readdirSync(new URL("report/", directory)).filter((name) => /\.\w+$/.test(name))
  // What the tests are called is for the program to say that runs them.
  const paths = [...names.sort().map((name) => `report/${name}`)]
  paths.push("pyline_suite/__init__.py", "pyline_suite/junit.py")
  return Object.fromEntries(
    paths.map((path) => [path, readFileSync(new URL(path, directory), "utf8")]),
  )
}
