import { runnerUnknown } from "../errors.ts"
import type { Facts, Requirement } from "./facts.ts"
import { testFiles } from "./layout.ts"
import type { Decision, Runner } from "./plan.ts"
import { bringsPytest } from "./requirements.ts"

/** What the test files themselves say, read only where nothing else decides. */
export interface Evidence {
  schema: 1
  pytest?: { file: string; line: number; what: string }
  unittest?: { file: string; line: number; what: string }
}

/** Installed where tests are written for pytest and the project does not declare it. Fixed by Pyline's version. */
const PYTEST: readonly Requirement[] = [
  { name: "pytest", text: 'pytest==9.1.1; python_version >= "3.10"' },
  { name: "pytest", text: 'pytest==8.4.2; python_version < "3.10"' },
]

export interface RunnerChoice {
  runner: Runner
  decision: Decision
  /** The runner, where the project does not bring it itself. */
  provided: readonly Requirement[]
  warnings: string[]
}

/** The test runner; `undefined` where only the test files can tell and `evidence` of them was not given. */
export function decideRunner(
  facts: Facts,
  names: readonly string[],
  installed: readonly Requirement[],
  evidence: Evidence | undefined,
): RunnerChoice | undefined {
  const declared = bringsPytest(installed)
  const pytest = (rule: string, file?: string, line?: number): RunnerChoice => ({
    runner: { kind: "pytest", args: [] },
    decision: {
      about: "test runner",
      value: "pytest",
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      rule,
      rejected: [],
    },
    provided: declared ? [] : PYTEST,
    warnings: declared
      ? []
      : [
          "the tests need pytest and no file of the project asks for it: Pyline's own choice of version is used",
        ],
  })
  const unittest = (rule: string, file?: string): RunnerChoice => ({
    runner: { kind: "unittest", args: unittestArguments(names) },
    decision: {
      about: "test runner",
      value: "unittest",
      ...(file === undefined ? {} : { file }),
      rule,
      rejected: [],
    },
    provided: [],
    warnings: [],
  })

  const setting = facts.settings?.runner
  if (setting === "pytest") return pytest("the runner setting", facts.settings?.file)
  if (setting === "unittest") return unittest("the runner setting", facts.settings?.file)
  if (setting !== undefined) throw runnerUnknown(facts.settings?.file ?? "", setting)
  if (declared) return pytest("the dependencies bring it")
  const config = facts.testConfig[0]
  if (config !== undefined)
    return pytest(`${config.section || "the file"} configures it`, config.file)
  const conftest = names.find((name) => /(^|\/)conftest\.py$/.test(name))
  if (conftest !== undefined) return pytest("only pytest reads conftest.py", conftest)
  if (testFiles(names).length === 0)
    return unittest("no test file was found, and the project does not ask for pytest")
  if (evidence === undefined) return undefined
  if (evidence.pytest !== undefined) {
    const { what, file, line } = evidence.pytest
    return pytest(what, file, line)
  }
  return unittest("the project does not ask for pytest, and no test file is written for it")
}

/**
 * Where unittest starts looking. Its own default, the root, only finds what can be imported from there; a `tests`
 * directory without `__init__.py` has to be named.
 */
function unittestArguments(names: readonly string[]): string[] {
  const found = testFiles(names)
  if (found.some((name) => !name.includes("/"))) return ["discover"]
  for (const directory of ["tests", "test"]) {
    if (!found.some((name) => name.startsWith(`${directory}/`))) continue
    return names.includes(`${directory}/__init__.py`) ? ["discover"] : ["discover", "-s", directory]
  }
  return ["discover"]
}
