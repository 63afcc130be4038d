import { manifestInvalid, runnerUnknown } from "../errors.ts"
import type { Facts, Requirement } from "./facts.ts"
import { testFiles } from "./layout.ts"
import type { Decision, Runner } from "./plan.ts"
import { bringsPytest } from "./requirements.ts"
import { sessionsOf } from "./sessions.ts"
import { versionFromGit } from "./version.ts"

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

const SESSIONS: Record<"tox" | "nox", readonly Requirement[]> = {
  tox: [{ name: "tox", text: "tox==4.30.3" }],
  nox: [{ name: "nox", text: "nox==2025.5.1" }],
}

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
  python: string,
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

  const django = (rule: string, file: string): RunnerChoice => {
    const directory = file.split("/").slice(0, -1).join("/")
    return {
      runner: { kind: "django", args: [], ...(directory === "" ? {} : { directory }) },
      decision: { about: "test runner", value: "django", file, rule, rejected: [] },
      provided: [],
      warnings: [],
    }
  }
  /** The project's own sessions: they make environments of their own, so nothing but themselves is needed. */
  const sessions = (kind: "tox" | "nox", file: string | undefined): RunnerChoice => {
    const own = sessionsOf(facts, kind, python)
    const force = ["--force-python", python, "--error-on-missing-interpreters"]
    return {
      runner: {
        kind,
        args:
          kind === "tox"
            ? ["-e", own.names.join(",")]
            : [...(own.names.length > 0 ? ["-s", ...own.names] : []), ...force],
        tools: sessionTools(facts, kind).map(({ text }) => text),
        environment: versionFromGit(facts)?.environment ?? {},
      },
      decision: {
        about: "test runner",
        value: [kind, ...own.names].join(" "),
        ...(file === undefined ? {} : { file }),
        rule: `the runner setting; ${own.rule}; environments of its own are made anew in each run`,
        rejected: own.rejected,
      },
      provided: [],
      warnings: [],
    }
  }
  const manage = names.find((name) => /^([^/]+\/)?manage\.py$/.test(name))
  const hasDjango = installed.some(({ name }) => name === "django")

  const setting = facts.settings?.runner
  if (setting === "tox" || setting === "nox") return sessions(setting, facts.settings?.file)
  if (setting === "django") {
    if (manage === undefined)
      throw manifestInvalid([
        {
          file: facts.settings?.file ?? "",
          message: "runner is django, and there is no manage.py",
        },
      ])
    return django("the runner setting", manage)
  }
  if (setting === "pytest") return pytest("the runner setting", facts.settings?.file)
  if (setting === "unittest") return unittest("the runner setting", facts.settings?.file)
  if (setting !== undefined) throw runnerUnknown(facts.settings?.file ?? "", setting)
  const plugged = installed.some(({ name }) => name === "pytest-django")
  if (manage !== undefined && hasDjango && !plugged && facts.testConfig.length === 0) {
    const choice = django("the project is Django's, and nothing asks for pytest-django", manage)
    if (declared)
      choice.decision.rejected.push({
        value: "pytest",
        why: "without pytest-django it makes no database",
      })
    return choice
  }
  if (declared)
    return pytest(plugged ? "the dependencies bring pytest-django" : "the dependencies bring it")
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

/** tox or nox and their plug-ins, in the versions that the project locks or asks for, else in Pyline's own. */
function sessionTools(facts: Facts, kind: "tox" | "nox"): Requirement[] {
  const isTool = ({ name }: { name?: string }): boolean =>
    name === kind || name?.startsWith(`${kind}-`) === true
  const locked: Requirement[] = [
    ...facts.locks.flatMap(({ packages }) => packages),
    ...(facts.uvLock?.packages ?? []).map(({ name, version }) => ({
      name,
      text: version === undefined ? name : `${name}==${version}`,
    })),
  ].filter(isTool)
  const listed = [
    ...Object.values(facts.pyproject?.groups ?? {}),
    ...Object.values(facts.poetry?.groups ?? {}),
    ...Object.values(facts.pyproject?.project?.extras ?? {}),
    ...facts.requirements.map(({ requirements }) => requirements),
  ]
    .flat()
    .filter(isTool)
  const found = (locked.length > 0 ? locked : listed).map(({ name, text }) => ({
    ...(name === undefined ? {} : { name }),
    text,
  }))
  return found.some(({ name }) => name === kind) ? found : [...SESSIONS[kind], ...found]
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
  // Elsewhere, such as src/: the directory nearest to the root, where nothing above it is a package.
  const directories = found.map((name) => name.split("/").slice(0, -1).join("/"))
  const nearest = [...new Set(directories)].sort(
    (a, b) => a.split("/").length - b.split("/").length || a.localeCompare(b),
  )[0]
  if (nearest === undefined || names.includes(`${nearest}/__init__.py`)) return ["discover"]
  return ["discover", "-s", nearest]
}
