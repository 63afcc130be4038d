/**
 * Every sentence a user reads when something is wrong.
 *
 * A message is always in this shape, because `dagger call` prints nothing of an error but its message:
 *
 *     error[CODE]: what was found
 *     what it means
 *     fix: a command or an edit
 *     reproduce: the command that shows the same again
 *     docs: a page
 */

const DOCS = "docs"

/** How a command that met the error exits: 1 a check or test is red, 2 the project or request is wrong, 3 the machine failed. */
export type ExitClass = 1 | 2 | 3

/** Exit status of each error code. The code stands at the start of a message, so a caller needs nothing but the message. */
export const EXIT_CLASS = {
  TESTS_FAILED: 1,
  NO_TESTS: 1,
  TESTS_KILLED: 1,
  TESTS_CRASHED: 1,
  TESTS_ABORTED: 1,
  TESTS_REFUSED: 2,
  COVERAGE_LOW: 1,
  CHECK_FAILED: 1,
  SIGNATURE_MISSING: 1,
  CHECKS_FAILED: 1,
  DEPLOY_FAILED: 1,
  DEPLOY_UNHEALTHY: 1,
  DEPLOY_UNPROVEN: 1,
  DEPLOY_OLDER: 1,
  MIGRATION_FAILED: 1,
  NOT_VERIFIED: 1,
  ENVIRONMENT_HELD: 1,
  DIGEST_REJECTED: 1,
  VALIDATION_FAILED: 1,
  USAGE: 2,
  MANIFEST_INVALID: 2,
  MANAGER_AMBIGUOUS: 2,
  MANAGER_UNSUPPORTED: 2,
  PROJECT_ELSEWHERE: 2,
  LOCK_STALE: 2,
  LOCK_MISSING: 2,
  EXTRA_INDEX: 2,
  PYTHON_INVALID: 2,
  PYTHON_EOL: 2,
  PYTHON_UNSUPPORTED: 2,
  PYTHON_CONFLICT: 2,
  RESOLUTION_FAILED: 2,
  BUILD_FAILED: 2,
  INSTALL_FAILED: 2,
  HASH_MISMATCH: 2,
  INDEX_REFUSED: 2,
  START_UNKNOWN: 2,
  START_AMBIGUOUS: 2,
  SERVER_MISSING: 2,
  COLLECTSTATIC_FAILED: 2,
  SERVICE_FAILED: 2,
  COVERAGE_MISSING: 2,
  RUNS_INCOMPLETE: 2,
  COVERAGE_ERRORED: 2,
  CHECK_MISCONFIGURED: 2,
  REGISTRY_INVALID: 2,
  REGISTRY_REFUSED: 2,
  REGISTRY_MISSING: 2,
  TAG_INVALID: 2,
  TAG_MISSING: 2,
  TAG_TAKEN: 2,
  SECRET_IN_IMAGE: 2,
  SECRET_IN_PACKAGE: 2,
  VERSION_UNTOLD: 2,
  PUBLISH_REFUSED: 2,
  PUBLISH_CONFLICT: 2,
  PUBLISH_REJECTED: 2,
  KEY_INVALID: 2,
  IDENTITY_REFUSED: 2,
  SIGSTORE_INVALID: 2,
  PLATFORM_INVALID: 2,
  CHECKS_MISCONFIGURED: 2,
  ENVIRONMENT_UNKNOWN: 2,
  PROMOTION_REFUSED: 2,
  DELIVERY_REFUSED: 2,
  NETWORK: 3,
  SERVICE_LOST: 3,
  VERSION_ERRORED: 3,
  REGISTRY_FAILED: 3,
  PUBLISH_FAILED: 3,
  SIGNING_FAILED: 3,
  PLATFORM_UNAVAILABLE: 3,
  CHECK_ERRORED: 3,
  CHECKS_ERRORED: 3,
  ENVIRONMENT_LOCKED: 3,
  TARGET_UNREACHABLE: 3,
  PULL_FAILED: 3,
  LEDGER_RACED: 3,
  ACCEPTANCE_ERRORED: 3,
  DELIVERY_ERRORED: 3,
  INTERNAL: 3,
} as const satisfies Record<string, ExitClass>

export type Code = keyof typeof EXIT_CLASS

/** The code at the start of a message, if it is one of ours. Text that an engine puts before it (`Error: `) is skipped. */
export function codeOf(message: string): Code | undefined {
  const code = /(?:^|\n|: )error\[([A-Z_]+)\]: /.exec(message)?.[1]
  return code !== undefined && code in EXIT_CLASS ? (code as Code) : undefined
}

/** The exit status for a message; `undefined` for one that is not ours. */
export function exitClassOf(message: string): ExitClass | undefined {
  const code = codeOf(message)
  return code === undefined ? undefined : EXIT_CLASS[code]
}

/** An error whose message is written for the user. */
export class PylineError extends Error {
  override name = "PylineError"
  readonly code: Code
  /** What the message is made of. */
  readonly text: Text

  constructor(code: Code, text: Text) {
    const lines = [text.found, ...(text.means ?? [])]
    if (text.fix !== undefined) lines.push(`fix: ${text.fix}`)
    if (text.reproduce !== undefined) lines.push(`reproduce: ${text.reproduce}`)
    if (text.page !== undefined) lines.push(`docs: ${DOCS}/${text.page}.md`)
    super(`error[${code}]: ${[...lines, ...(text.tail ?? [])].join("\n")}`)
    this.code = code
    this.text = text
  }
}

interface Text {
  /** What was found, in one line. */
  found: string
  /** What it means, in lines. */
  means?: string[]
  /** A command, or an edit. */
  fix?: string
  /** The command line that shows the same again. */
  reproduce?: string | undefined
  /** A page of docs/, without its ending. */
  page?: string
  /** Lines that end the message. */
  tail?: string[]
}

const error = (code: Code, text: Text): PylineError => new PylineError(code, text)

/** Where in a file something stands. */
export interface Place {
  file: string
  line?: number
  column?: number
}

const at = ({ file, line, column }: Place): string =>
  [file, line, line === undefined ? undefined : column]
    .filter((part) => part !== undefined)
    .join(":")

const quoted = (values: readonly string[]): string =>
  values.length < 2
    ? values.join("")
    : `${values.slice(0, -1).join(", ")} and ${values[values.length - 1]}`

/** Every error of the project's files at once: a user should not meet them one a run. */
export function manifestInvalid(
  problems: readonly (Place & { message: string; fix?: string })[],
): PylineError {
  const [first, ...rest] = problems
  if (first === undefined) throw new RangeError("no problem given")
  return error("MANIFEST_INVALID", {
    found: `${at(first)}: ${first.message}`,
    means: rest.slice(0, 9).map((problem) => `also ${at(problem)}: ${problem.message}`),
    fix: first.fix ?? `correct ${first.file}`,
    page: "manifests",
  })
}

export function managersAmbiguous(
  locks: readonly { file: string; manager: string }[],
): PylineError {
  const files = locks.map(({ file }) => file)
  const chosen = locks[0]?.manager ?? "uv"
  return error("MANAGER_AMBIGUOUS", {
    found: `${quoted(files)} are locks of different tools`,
    means: [
      "They can disagree on what to install, so Pyline does not guess which one the project means.",
    ],
    fix: `delete the lock that is not in use, or decide with a setting: [tool.pyline] package-manager = "${chosen}"`,
    page: "package-managers",
  })
}

export function managerUnsupported(file: string, manager: string, advice: string): PylineError {
  return error("MANAGER_UNSUPPORTED", {
    found: `${file} is a file of ${manager}, which Pyline does not install from`,
    means: ["Nothing was installed, because tests without their dependencies say nothing."],
    fix: advice,
    page: "package-managers",
  })
}

export function managerUnknown(file: string, value: string, known: readonly string[]): PylineError {
  return error("MANIFEST_INVALID", {
    found: `${file}: package-manager = ${JSON.stringify(value)} is not a package manager Pyline knows`,
    fix: `use one of ${quoted(known)}, or delete the line`,
    page: "package-managers",
  })
}

/** A repository whose root is no project, and folders of it are. */
export function projectElsewhere(manifests: readonly string[]): PylineError {
  const folder = (path: string): string => path.split("/").slice(0, -1).join("/")
  const shown = manifests.slice(0, 8)
  const more = manifests.length - shown.length
  return error("PROJECT_ELSEWHERE", {
    found: "there is no Python project at the root of the source, but there is below it",
    means: [...shown.map((path) => `  ${path}`), ...(more > 0 ? [`  and ${more} more`] : [])],
    fix: `choose one: --source ${folder(manifests[0] ?? "")} (from the root of the repository)`,
    page: "manifests",
  })
}

export function runnerUnknown(file: string, value: string): PylineError {
  return error("MANIFEST_INVALID", {
    found: `${file}: runner = ${JSON.stringify(value)} is not a test runner Pyline knows`,
    fix: "use pytest, unittest, django, tox or nox, or delete the line",
    page: "tests",
  })
}

export function toolUnknown(
  file: string,
  kind: string,
  value: string,
  known: readonly string[],
): PylineError {
  return error("MANIFEST_INVALID", {
    found: `${file}: ${kind} = [${JSON.stringify(value)}] is not a tool that Pyline checks with`,
    fix: `use ${quoted(known)}, or none: ${kind} = []`,
    page: "checks",
  })
}

export function lockMissing(file: string, manager: string, lock: string, fix: string): PylineError {
  return error("LOCK_MISSING", {
    found: `${file} asks for ${manager}, but there is no ${lock}`,
    means: ["What is installed would change from day to day without it."],
    fix: `${fix}, then commit ${lock}`,
    page: "package-managers",
  })
}

export function lockStale(lock: string, manifest: string, fix: string, why?: string): PylineError {
  return error("LOCK_STALE", {
    found: `${lock} does not match ${manifest}${why === undefined ? "" : `: ${why}`}`,
    means: [
      `A dependency in ${manifest} was changed and ${lock} was not, so a frozen install would not be what ${manifest} says.`,
    ],
    fix: `${fix}, then commit ${lock}`,
    page: "locks",
  })
}

export function extraIndex(file: string, url: string): PylineError {
  return error("EXTRA_INDEX", {
    found: `${file} adds the index ${url} to the public one`,
    means: [
      "A private name that somebody publishes on the public index could be installed instead of yours.",
    ],
    fix: 'let one index serve both (--index-url), pin hashes, or accept it: [tool.pyline] extra-index = "acknowledged"',
    page: "private-indexes",
  })
}

export function packageUnknown(
  file: string,
  name: string,
  members: readonly string[],
): PylineError {
  return error("MANIFEST_INVALID", {
    found: `${file}: package = ${JSON.stringify(name)} is no member of the workspace`,
    means: [
      members.length === 0
        ? "Members of a workspace are read from uv.lock, and there is none."
        : `Its members are ${quoted(members)}.`,
    ],
    fix: `correct ${file}`,
    page: "package-managers",
  })
}

export function groupUnknown(
  file: string,
  kind: "group" | "extra",
  name: string,
  known: readonly string[],
): PylineError {
  return error("MANIFEST_INVALID", {
    found: `${file}: the settings name the ${kind} ${JSON.stringify(name)}, which the project does not have`,
    means: [known.length === 0 ? `It has no ${kind}s.` : `It has ${quoted(known)}.`],
    fix: `correct ${file}`,
    page: "manifests",
  })
}

export function pythonInvalid(place: Place, value: string, range: string): PylineError {
  return error("PYTHON_INVALID", {
    found: `${at(place)}: ${JSON.stringify(value)} is not a Python version Pyline can read`,
    fix: `write a version such as 3.13 (${range} are supported)`,
    page: "python-versions",
  })
}

export function pythonEndOfLife(
  place: Place,
  version: string,
  date: string,
  oldest: string,
): PylineError {
  return error("PYTHON_EOL", {
    found: `${at(place)}: Python ${version} had its last security fix on ${date}`,
    means: [`Pyline runs Python ${oldest} and newer.`],
    fix: `move the project to Python ${oldest} or newer and say so in ${place.file}`,
    page: "python-versions",
  })
}

/** A version that Pyline runs still, when asked to. */
export function pythonEnded(
  place: Place,
  version: string,
  date: string,
  current: string,
): PylineError {
  return error("PYTHON_EOL", {
    found: `${at(place)}: Python ${version} had its last security fix on ${date}`,
    means: ["What is found in it since then stays as it is."],
    fix: `move to Python ${current} or newer and say so in ${place.file}, or accept it: [tool.pyline] python = "${version}"`,
    page: "python-versions",
  })
}

export function pythonUnsupported(place: Place, value: string, range: string): PylineError {
  return error("PYTHON_UNSUPPORTED", {
    found: `${at(place)}: no Python that Pyline runs satisfies ${JSON.stringify(value)}`,
    means: [`Pyline runs ${range}.`],
    fix: `change ${place.file}`,
    page: "python-versions",
  })
}

export function pythonConflict(
  constraints: readonly (Place & { value: string; rule: string })[],
): PylineError {
  return error("PYTHON_CONFLICT", {
    found: `no Python version satisfies ${quoted(constraints.map(at))} together`,
    means: constraints.map(({ value, rule, ...place }) => `${at(place)}: ${rule} ${value}`),
    fix: `change one of ${quoted([...new Set(constraints.map(({ file }) => file))])}`,
    page: "python-versions",
  })
}

export interface FailedTest {
  /** As the runner names it, for example `tests/test_api.py::test_get`. */
  id: string
  file?: string
  line?: number
  /** First line of what went wrong. */
  message?: string
}

/** Which run it was, and how to see it again. */
export interface TestRun {
  runner: string
  python: string
  /** A command line. */
  reproduce: string
  /** Why it came to no verdict, as far as known. */
  stopped?: { kind: string; message?: string; file?: string; line?: number; test?: string }
}

/** The tests ran and some are red. */
export function testsFailed(
  failures: readonly FailedTest[],
  red: number,
  ran: number,
  verdict: string,
  { runner, python, reproduce }: TestRun,
): PylineError {
  return error("TESTS_FAILED", {
    found: `${red} of ${ran} ${ran === 1 ? "test" : "tests"} failed (${runner}, Python ${python})`,
    means: failureLines(failures, red),
    reproduce,
    tail: [verdict],
  })
}

function failureLines(
  failures: readonly (FailedTest & { on?: readonly string[] })[],
  red: number,
): string[] {
  const shown = failures.slice(0, 20)
  const lines = shown.map(({ id, file, line, message, on }) => {
    const place = file === undefined ? "" : `${at(line === undefined ? { file } : { file, line })} `
    const name = file !== undefined && id.startsWith(`${file}::`) ? id.slice(file.length + 2) : id
    const what = message === undefined ? "" : ` - ${message}`
    const where = on === undefined ? "" : ` (Python ${quoted(on)})`
    return `  ${place}${name === file ? "" : name}${what}${where}`.replace(/ {2}- /, " - ")
  })
  return red > shown.length ? [...lines, `  and ${red - shown.length} more`] : lines
}

/** What is wrong with the tests on one of several versions of Python. */
export interface VersionError {
  python: string
  error: PylineError
  /** Where its tests ran and are red. */
  failures?: readonly FailedTest[]
  red?: number
  ran?: number
}

/**
 * Some of several versions are not green. Red tests come before what kept tests from running, since they are what the
 * change did, and a test that is red on several versions is named once.
 */
export function versionsFailed(
  versions: readonly VersionError[],
  table: readonly string[],
  verdict: string,
): PylineError {
  const failed = versions.filter(({ error }) => error.code === "TESTS_FAILED")
  const sum = (key: "red" | "ran"): number =>
    failed.reduce((total, version) => total + (version[key] ?? 0), 0)
  const others = versions
    .filter(({ error }) => error.code !== "TESTS_FAILED")
    .sort((a, b) => EXIT_CLASS[a.error.code] - EXIT_CLASS[b.error.code])
  const merged = merge(failed)
  const first =
    failed.length > 0
      ? {
          code: "TESTS_FAILED" as const,
          reproduce: failed[0]?.error.text.reproduce,
          found: `${sum("red")} of ${sum("ran")} tests failed, on Python ${quoted([...new Set(failed.map(({ python }) => python))])}`,
          means: failureLines(
            merged,
            sum("red") - merged.reduce((total, { on }) => total + on.length - 1, 0),
          ),
        }
      : undefined
  const rest = others.map(({ python, error }) => ({
    code: error.code,
    ...error.text,
    found: `${error.text.found} (Python ${python})`,
  }))
  const [main, ...more] = first === undefined ? rest : [first, ...rest]
  if (main === undefined) throw new RangeError("no version given")
  return error(main.code, {
    ...main,
    means: [
      ...(main.means ?? []),
      ...more.flatMap(({ code, found, means }) => [
        `also error[${code}]: ${found}`,
        ...(means ?? []),
      ]),
    ],
    tail: [...table, verdict],
  })
}

/** Each red test once, with the versions on which it is. */
function merge(versions: readonly VersionError[]): (FailedTest & { on: string[] })[] {
  const tests = new Map<string, FailedTest & { on: string[] }>()
  for (const { python, failures = [] } of versions) {
    for (const failure of failures) {
      const key = JSON.stringify([failure.id, failure.line, failure.message])
      const known = tests.get(key)
      if (known === undefined) tests.set(key, { ...failure, on: [python] })
      else if (!known.on.includes(python)) known.on.push(python)
    }
  }
  return [...tests.values()]
}

/** The tests are green and leave too much untouched. */
export function coverageLow(
  coverage: {
    shown: string
    needed?: { percent: number; from: string }
    worst: readonly { file: string; percent: string; missing: string }[]
  },
  tail: readonly string[],
): PylineError {
  const { shown, needed, worst } = coverage
  return error("COVERAGE_LOW", {
    found: `${shown} % of the code is covered by the tests, and ${needed?.percent} % is needed (${needed?.from})`,
    means: worst.map(
      ({ file, percent, missing }) =>
        `  ${file} ${percent} % covered${missing === "" ? "" : `, not ${missing}`}`,
    ),
    fix: "test what is missing, or change what is needed",
    page: "coverage",
    tail: [...tail],
  })
}

/** Coverage was asked for and there is none. */
export function coverageMissing(from: string, tail: readonly string[]): PylineError {
  return error("COVERAGE_MISSING", {
    found: `no coverage was measured, and some is needed (${from})`,
    fix: "see that the tests run with pytest-cov or coverage, or say [tool.pyline] coverage = false",
    page: "coverage",
    tail: [...tail],
  })
}

/** The data of the runs could not be combined or reported. */
export function coverageErrored(log: readonly string[]): PylineError {
  return error("COVERAGE_ERRORED", {
    found: "the coverage of the runs could not be combined",
    means: log.map((line) => `  ${line}`),
    fix: "correct the configuration of coverage.py, or say [tool.pyline] coverage = false",
    page: "coverage",
  })
}

/** Something the tests want beside them could not be started. */
export function serviceFailed(
  name: string,
  why: { exitCode: number; unhealthy: boolean; command: string },
  log: readonly string[],
): PylineError {
  return error("SERVICE_FAILED", {
    found: why.unhealthy
      ? `the service ${name} did not become healthy: ${why.command} ended with exit status ${why.exitCode}`
      : `the service ${name} ended with exit status ${why.exitCode} before it could be used`,
    means: ["No test was run.", ...log.map((line) => `  ${line}`)],
    fix: `correct services.${name} in the settings`,
    page: "services",
  })
}

/** A service ended while the tests ran. */
export function serviceLost(
  names: readonly string[],
  failures: readonly FailedTest[],
  red: number,
): PylineError {
  const one = names.length === 1
  return error("SERVICE_LOST", {
    found: `the ${one ? "service" : "services"} ${quoted(names)} did not answer any more when the tests were over`,
    means: [
      "Tests that are red for that say nothing of the project. What it printed stands with its step.",
      ...failureLines(failures, red),
    ],
    fix: "see why it ended, then run again with --attempt 2",
    page: "services",
  })
}

/** Reports that are to make one do not fit together. */
export function runsIncomplete(found: string, means: readonly string[]): PylineError {
  return error("RUNS_INCOMPLETE", {
    found,
    means: [...means],
    fix: "collect the reports of one run of each part: pyline reports --shard 1/5 -o pyline-reports/1, and so on",
    page: "matrix",
  })
}

/** The tests could not be started on this version for a reason that no other error tells. */
export function versionErrored(message: string): PylineError {
  const [first = "", ...rest] = message.split("\n")
  return error("VERSION_ERRORED", {
    found: `the tests could not be started: ${first}`,
    means: rest.slice(0, 10).map((line) => `  ${line}`),
    page: "matrix",
  })
}

/** The runner found nothing to run. */
export function noTests(runner: string, looked: string, verdict: string): PylineError {
  return error("NO_TESTS", {
    found: `${runner} found no tests`,
    means: [`It looked ${looked}. A run that tests nothing is not green.`],
    fix: "add a test, or allow it: --allow-no-tests",
    page: "tests",
    tail: [verdict],
  })
}

const KILLED_FIX = "give the engine more memory, or run fewer tests side by side"

/** The tests were killed by the kernel (or a person): nearly always memory. */
export function testsKilled(last: string | undefined, run: TestRun): PylineError {
  return error("TESTS_KILLED", {
    found: `the tests were killed, probably out of memory (${run.runner}, Python ${run.python})`,
    means: run.stopped === undefined ? lastLine(last) : stopLines(run),
    fix: KILLED_FIX,
    reproduce: run.reproduce,
    page: "tests",
    tail: ["killed, probably out of memory"],
  })
}

/** A step of the pipeline was killed, in the same way. */
export function stepKilled(what: string, last: string | undefined): PylineError {
  return error("TESTS_KILLED", {
    found: `${what} was killed, probably out of memory`,
    means: lastLine(last),
    fix: KILLED_FIX,
    page: "tests",
    tail: ["killed, probably out of memory"],
  })
}

/** The runner itself died of a signal such as SIGSEGV. */
export function testsCrashed(signal: string, last: string | undefined, run: TestRun): PylineError {
  const lines = stopLines(run)
  return error("TESTS_CRASHED", {
    found: `${run.runner} crashed (${signal}) on Python ${run.python}`,
    means: lines.length > 0 ? lines : lastLine(last),
    fix: "look at the extension modules (C, Rust) that the test uses",
    reproduce: run.reproduce,
    page: "tests",
    tail: [`crashed (${signal})`],
  })
}

const lastLine = (last: string | undefined): string[] =>
  last === undefined ? [] : [`The last line that was printed: ${last}`]

/** What was running, or went wrong, in the form of a red test. */
function stopLines({ stopped }: TestRun): string[] {
  if (stopped === undefined) return []
  const { file, line, test, message } = stopped
  const place = file === undefined ? [] : [at(line === undefined ? { file } : { file, line })]
  const words = [...place, ...(test === undefined ? [] : [test])].join(" ")
  const what = message ?? (stopped.kind === "running" ? "was running" : undefined)
  return [`  ${[words, what].filter(Boolean).join(" - ")}`]
}

/** Options of pytest that plug-ins bring. */
const PLUGINS: [RegExp, string][] = [
  [/^--(?:no-)?cov\b/, "pytest-cov"],
  [/^(?:-n|--numprocesses|--dist|--maxprocesses)\b/, "pytest-xdist"],
  [/^--timeout\b/, "pytest-timeout"],
  [/^--asyncio-mode\b/, "pytest-asyncio"],
  [/^--(?:ds|dc|reuse-db|create-db|(?:no-)?migrations)\b/, "pytest-django"],
  [/^--(?:reruns|only-rerun)\b/, "pytest-rerunfailures"],
  [/^(?:--randomly-\w+|--random-order\w*)\b/, "pytest-randomly"],
  [/^--benchmark\b/, "pytest-benchmark"],
  [/^--snapshot\b/, "syrupy"],
  [/^--mypy\b/, "pytest-mypy"],
]

/** The runner does not take its arguments or its configuration: nothing ran. */
export function testsRefused({ runner, reproduce, stopped }: TestRun): PylineError {
  const { message = "", file, line } = stopped ?? {}
  const unknown = /^unrecognized arguments: (\S+)/.exec(message)?.[1] ?? ""
  const plugin = PLUGINS.find(([option]) => option.test(unknown))?.[1]
  const place = file === undefined ? "" : at(line === undefined ? { file } : { file, line })
  return error("TESTS_REFUSED", {
    found: `${runner} does not start: ${place === "" ? "" : `${place}: `}${message}`,
    fix:
      plugin === undefined
        ? `correct ${file ?? "the arguments"}`
        : `add ${plugin} to the project's test dependencies, or take ${unknown} away`,
    reproduce,
    page: "tests",
    tail: [`no verdict: ${runner} did not start`],
  })
}

/** The runner ended without a verdict: an import error in conftest.py, a timeout, an internal error. */
export function testsAborted(exitCode: number, log: readonly string[], run: TestRun): PylineError {
  const { runner, python, stopped } = run
  const found =
    stopped?.kind === "import"
      ? `${runner} could not start`
      : stopped?.kind === "timeout"
        ? `a test timed out, and ${runner} with it`
        : `${runner} stopped with exit status ${exitCode} before the tests were done`
  return error("TESTS_ABORTED", {
    found: `${found} (Python ${python})`,
    means: [
      ...stopLines(run),
      ...(stopped?.kind === "timeout" ? [] : log.map((line) => `  ${line}`)),
    ],
    reproduce: run.reproduce,
    page: "tests",
    tail: [`no verdict: ${runner} stopped with exit status ${exitCode}`],
  })
}

/** An install or build step that failed, told apart by what it printed. */
export function installFailed(
  code: "RESOLUTION_FAILED" | "BUILD_FAILED" | "INSTALL_FAILED" | "HASH_MISMATCH",
  what: string,
  log: readonly string[],
  hint?: string,
): PylineError {
  const found = {
    RESOLUTION_FAILED: `the dependencies of ${what} cannot be installed together`,
    BUILD_FAILED: `${what} could not be built`,
    INSTALL_FAILED: `${what} could not be installed`,
    HASH_MISMATCH: `a file that ${what} depends on is not the one that was locked`,
  }[code]
  return error(code, {
    found,
    means: log.map((line) => `  ${line}`),
    ...(hint === undefined ? {} : { fix: hint }),
    page: "package-managers",
  })
}

/** Something a check found. */
export interface Finding {
  /** From the project's root. */
  file?: string
  line?: number
  column?: number
  rule?: string
  message: string
  severity: "error" | "warning" | "note"
  /** The tool that found it, where a check runs several. */
  tool?: string
}

/** A check ran and is red. */
export function checkFailed(
  check: string,
  findings: readonly Finding[],
  summary: string,
  detail: string | undefined,
  reproduce: string | undefined,
): PylineError {
  return error("CHECK_FAILED", {
    found: `${check}: ${summary}`,
    means: [...findingLines(redFirst(findings)), ...indented(detail)],
    reproduce,
    page: "checks",
  })
}

/** A check could not say anything. That is not green. */
export function checkErrored(
  check: string,
  summary: string,
  detail: string | undefined,
  cause: "project" | "machine" = "machine",
  reproduce?: string,
): PylineError {
  return error(cause === "project" ? "CHECK_MISCONFIGURED" : "CHECK_ERRORED", {
    found: `${check} could not check: ${summary}`,
    means: indented(detail),
    reproduce,
    page: "checks",
  })
}

/** What makes a check red: errors, and where a tool is red without any all that it said. */
function redFirst(findings: readonly Finding[]): readonly Finding[] {
  const red = findings.filter(({ severity }) => severity === "error")
  return red.length === 0 ? findings : red
}

/** The first findings, one a line, as compilers print them. */
export function findingLines(findings: readonly Finding[], most = 20): string[] {
  const lines = findings.slice(0, most).map(({ file, line, column, rule, message }) => {
    const place =
      file === undefined
        ? ""
        : `${at({ file, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) })} `
    return `  ${place}${rule === undefined ? "" : `${rule} `}${message.split("\n", 1)[0]}`
  })
  const more = findings.length - lines.length
  return more > 0 ? [...lines, `  and ${more} more`] : lines
}

/** A check that is not green, among others. */
export interface WrongCheck {
  check: string
  outcome: "failed" | "errored"
  summary: string
  findings: readonly Finding[]
  detail?: string
  cause?: "project" | "machine"
  reproduce?: string | undefined
}

/** Some of several checks are not green: red ones first, since they are what the change did. */
export function checksFailed(
  wrong: readonly WrongCheck[],
  all: number,
  table: readonly string[],
): PylineError {
  const failed = wrong.filter(({ outcome }) => outcome === "failed")
  const errored = wrong.filter(({ outcome }) => outcome === "errored")
  const named = (checks: readonly WrongCheck[]): string => quoted(checks.map(({ check }) => check))
  const code =
    failed.length > 0
      ? "CHECKS_FAILED"
      : errored.every(({ cause }) => cause === "project")
        ? "CHECKS_MISCONFIGURED"
        : "CHECKS_ERRORED"
  const parts = [
    ...(failed.length > 0 ? [`${failed.length} of ${all} checks failed: ${named(failed)}`] : []),
    ...(errored.length > 0 ? [`${named(errored)} could not check`] : []),
  ]
  return error(code, {
    found: parts.join("; "),
    means: [...failed, ...errored].flatMap(({ check, outcome, summary, findings, ...rest }) => [
      `${check}${outcome === "failed" ? "" : " could not check"}: ${summary}`,
      ...findingLines(redFirst(findings), 10),
      ...indented(rest.detail),
      ...(rest.reproduce === undefined ? [] : [`  reproduce: ${rest.reproduce}`]),
    ]),
    page: "checks",
    tail: [...table],
  })
}

const indented = (text: string | undefined): string[] =>
  text === undefined ? [] : text.split("\n").map((line) => `  ${line}`)

/** An image was asked for of something that nothing is known to start of. */
export function startUnknown(name: string | undefined): PylineError {
  return error("START_UNKNOWN", {
    found: `nothing was found that an image of ${name ?? "the project"} could start`,
    means: [
      "There is no Procfile, no application of a web framework, no command of its own and no script that is meant to be run.",
      "A library has tests and packages, but no image.",
    ],
    fix: 'say what starts it: [tool.pyline] start = "gunicorn shop:app"',
    page: "start-command",
  })
}

export function startAmbiguous(candidates: readonly (Place & { command: string })[]): PylineError {
  const [first] = candidates
  return error("START_AMBIGUOUS", {
    found: `${quoted(candidates.map(at))} could all be what an image starts`,
    means: candidates.map((one) => `  ${at(one)}: ${one.command}`),
    fix: `decide with a setting: [tool.pyline] start = ${JSON.stringify(first?.command ?? "")}`,
    page: "start-command",
  })
}

/** The start command needs a server that no file asks for. It is not installed behind the project's back: nothing would lock it. */
export function serverMissing(found: string, command: string, fix: string): PylineError {
  return error("SERVER_MISSING", {
    found,
    means: [
      `An image would start: ${command}`,
      "What runs in production has to be locked like everything else.",
    ],
    fix,
    page: "start-command",
  })
}

export function collectstaticFailed(command: string, log: readonly string[]): PylineError {
  return error("COLLECTSTATIC_FAILED", {
    found: `the static files could not be gathered: ${command}`,
    means: log.map((line) => `  ${line}`),
    fix: "let the settings load without the variables of production, or leave it out: [tool.pyline] collectstatic = false",
    page: "start-command",
  })
}

/** A package index that wants other credentials, or any. */
export function indexRefused(
  what: string,
  log: readonly string[],
  indexes: readonly { name?: string; url: string }[],
): PylineError {
  const known = indexes.map(({ name, url }) => (name === undefined ? url : `${name} (${url})`))
  return error("INDEX_REFUSED", {
    found: `a package index refused what ${what} depends on`,
    means: [
      ...log.map((line) => `  ${line}`),
      ...(known.length > 0 ? [`Indexes of the project: ${quoted(known)}.`] : []),
      "Either no credentials were given for it, or it does not take them.",
    ],
    fix: "give the credentials it takes: --index-credentials file:$HOME/.netrc (or env:NAME)",
    page: "private-indexes",
  })
}

export function credentialsInvalid(): PylineError {
  return error("USAGE", {
    found: "--index-credentials is in no form that Pyline reads",
    means: [
      "It is a netrc file, a pip.conf, the auth.toml of Poetry, or lines such as UV_INDEX_INTERNAL_PASSWORD=token.",
    ],
    fix: "give one of these: --index-credentials file:$HOME/.netrc",
    page: "private-indexes",
  })
}

/** An index or a mirror that did not answer, however often it was asked. */
export function networkFailed(
  what: string,
  why: string,
  attempts: number,
  log: readonly string[],
): PylineError {
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`
  return error("NETWORK", {
    found: `the network failed while ${what} was installed: ${why} (${tries})`,
    means: log.map((line) => `  ${line}`),
    fix: "check the network, a proxy or the index, then run again",
    page: "failures",
  })
}

/** What a registry answered other than what it was asked for; `kind` as ci/probe/registry/errors.py has it. */
export function registryFailed(
  kind: "refused" | "missing" | "unreachable" | "limited" | "broken" | "invalid",
  message: string,
): PylineError {
  switch (kind) {
    case "refused":
      return error("REGISTRY_REFUSED", {
        found: `the registry refuses access: ${message}`,
        fix: "log in with an account that may: --username NAME --password env:TOKEN",
        page: "publish",
      })
    case "missing":
      return error("REGISTRY_MISSING", {
        found: message,
        fix: "check how the image is spelled, and that it was published",
        page: "publish",
      })
    default:
      return error("REGISTRY_FAILED", {
        found: message,
        means: [
          {
            unreachable: "The registry, or the way to it, is down.",
            limited:
              "The registry limits how often it may be asked, for longer than is waited for.",
            broken: "The registry failed again and again.",
            invalid: "The registry does not answer as the OCI distribution specification says.",
          }[kind],
        ],
        fix: "try again later; what was uploaded stays and is not uploaded again",
        page: "publish",
      })
  }
}

export function registryInvalid(text: string): PylineError {
  return error("REGISTRY_INVALID", {
    found: `${JSON.stringify(text)} does not name a repository of images`,
    fix: "write host/name, such as ghcr.io/me/app; tags are given with --tags",
    page: "publish",
  })
}

export function tagInvalid(tag: string): PylineError {
  return error("TAG_INVALID", {
    found: `${JSON.stringify(tag)} cannot be a tag`,
    means: ["A tag has letters, digits, dots, dashes and underscores, at most 128 of them."],
    fix: "give another one: --tags=1.2.3,latest",
    page: "publish",
  })
}

/** Nothing is known that the image could be called after. */
export function tagMissing(): PylineError {
  return error("TAG_MISSING", {
    found: "nothing says what the image is to be called: no commit, no version, no branch",
    fix: "name it, such as --tags=latest, or say where it comes from: --revision=$(git rev-parse HEAD)",
    page: "publish",
  })
}

/** Tags that never move are on another image already. */
export function tagTaken(
  name: string,
  taken: readonly { tag: string; was?: string }[],
  digest: string,
): PylineError {
  const [first] = taken
  return error("TAG_TAKEN", {
    found: `${taken.map(({ tag }) => `${name}:${tag}`).join(", ")} is another image already`,
    means: [
      ...taken.map(({ tag, was }) => `${tag} is ${was}, and this image is ${digest}.`),
      "Tags of commits and versions never move, so that what was tested under one is what runs. No tag was put.",
    ],
    fix: /^[0-9a-f]{7,64}$/.test(first?.tag ?? "")
      ? "use the image that is there; this one differs in its base image, its indexes or the Pyline that made it. Or name it: --tags=NAME"
      : `publish the new image under a new name, such as a higher version than ${first?.tag}`,
    page: "publish",
  })
}

/** The image has a secret of this run in it. Nothing was uploaded. */
interface SecretPlace {
  /** The flag it was given with. */
  secret: string
  where: string
  form: string
}

export function secretInImage(places: readonly SecretPlace[]): PylineError {
  return error("SECRET_IN_IMAGE", {
    found: "the image has a secret of this run in it, so it was not published",
    means: secretPlaces(places),
    fix: "find out what writes it there; a value that was in a file should be taken for known to others",
    page: "publish",
  })
}

export function secretInPackage(places: readonly SecretPlace[]): PylineError {
  return error("SECRET_IN_PACKAGE", {
    found: "the package has a secret of this run in it, so it was not published",
    means: secretPlaces(places),
    fix: "find out what writes it there; a value that was in a file should be taken for known to others",
    page: "publish-package",
  })
}

function secretPlaces(places: readonly SecretPlace[]): string[] {
  const shown = places.slice(0, 10).map(({ secret, where, form }) => {
    return `  ${where}: the value of --${secret}${form === "plain" ? "" : ` (${form})`}`
  })
  if (places.length > shown.length) shown.push(`  and ${places.length - shown.length} more`)
  return shown
}

/** A package whose version comes from git is about to be published, and nothing says which version this is. */
export function versionUntold(standIn: string): PylineError {
  return error("VERSION_UNTOLD", {
    found: "the version of the package comes from git, and nothing says which one this is",
    means: [
      `Built without being told it would be ${standIn}, and a version can be published only once.`,
    ],
    fix: `say which version it is: --package-version ${standIn}, or the version setting`,
    page: "publish-package",
  })
}

/** As ci/probe/package_index/errors.py has them. */
export type PublishTrouble =
  | "refused"
  | "identity"
  | "taken"
  | "rejected"
  | "unseen"
  | "unreachable"

/** Why an index did not take a package. */
export function packageNotPublished(kind: PublishTrouble, message: string): PylineError {
  const page = "publish-package"
  switch (kind) {
    case "refused":
      return error("PUBLISH_REFUSED", {
        found: `the package index refuses access: ${message}`,
        fix: "check --token and, where it is a password, --username; and that they may publish this project",
        page,
      })
    case "identity":
      return error("PUBLISH_REFUSED", {
        found: `trusted publishing: ${message}`,
        means: [
          "The index has to know the repository and the workflow as a publisher of the project.",
        ],
        fix: "add it in the settings of the project at the index, or give a --token",
        page,
      })
    case "taken":
      return error("PUBLISH_CONFLICT", {
        found: message,
        means: ["An index takes a file once. Nothing was uploaded in its place."],
        fix: "raise the version",
        page,
      })
    case "rejected":
      return error("PUBLISH_REJECTED", {
        found: `the package index does not take ${message}`,
        fix: "correct what it says",
        page,
      })
    case "unseen":
      return error("PUBLISH_FAILED", {
        found: message,
        fix: "look at the index; where its simple API is elsewhere, say so with --simple",
        page,
      })
    case "unreachable":
      return error("PUBLISH_FAILED", {
        found: `the package index failed: ${message}`,
        fix: "try again later; what was uploaded is not uploaded again",
        page,
      })
  }
}

export function keyInvalid(why: string): PylineError {
  return error("KEY_INVALID", {
    found: `the signing key cannot be used: ${why}`,
    fix: "make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
    page: "sbom-and-signing",
  })
}

/** Why a run could not sign, or verify, without a key. */
export type KeylessTrouble = "identity" | "trust" | "unreachable"

export function keylessFailed(kind: KeylessTrouble, why: string): PylineError {
  const page = "sbom-and-signing"
  switch (kind) {
    case "identity":
      return error("IDENTITY_REFUSED", {
        found: `nothing was signed: the identity of this run is refused: ${why}`,
        means: ["No tag was put."],
        fix: "let the CI host issue an identity for the audience sigstore; on GitHub the job needs id-token: write among its permissions",
        page,
      })
    case "trust":
      return error("SIGSTORE_INVALID", {
        found: why,
        fix: "give the client trust configuration of the Sigstore that is asked, in JSON, with --sigstore",
        page,
      })
    case "unreachable":
      return error("SIGNING_FAILED", {
        found: `Sigstore failed: ${why}`,
        fix: "try again later; its hosts, or those of --sigstore, have to be in reach",
        page,
      })
  }
}

/** Nothing that is attached to an image is signed by the one who is expected: a key or an identity, with its article. */
export function signatureMissing(image: string, by: string, why: readonly string[]): PylineError {
  const shown = why.slice(0, 10).map((each) => `A signature does not count: ${each}.`)
  // Whoever may push can attach thousands.
  if (why.length > shown.length)
    shown.push(`Others do not for ${why.length - shown.length} more reasons.`)
  return error("SIGNATURE_MISSING", {
    found: `${image} is not signed ${by}`,
    means: why.length === 0 ? ["No signature is attached to it."] : shown,
    fix: "sign it when it is published, or say who signed it: --key, or --identity and --issuer",
    page: "sbom-and-signing",
  })
}

export function platformInvalid(text: string): PylineError {
  return error("PLATFORM_INVALID", {
    found: `${JSON.stringify(text)} is not a platform that images are made for`,
    fix: "write linux/amd64 or linux/arm64",
    page: "publish",
  })
}

/** A program of another machine type could not be started. */
export function platformUnavailable(platform: string, own: string): PylineError {
  return error("PLATFORM_UNAVAILABLE", {
    found: `this engine cannot run programs of ${platform}`,
    means: [
      `It runs on ${own}, and no emulator is set up for ${platform}. An image cannot be made without running its installs.`,
    ],
    fix: `set an emulator up (docker run --privileged --rm tonistiigi/binfmt --install ${platform.split("/")[1]}), or leave ${platform} out of --platforms`,
    page: "publish",
  })
}

/** What ci/probe/delivery says that keeps an image from being delivered; `code` as in its errors.py. */
interface NotDelivered {
  kind: "failed" | "request" | "errored"
  code: string
  message: string
  detail: readonly string[]
  registry?: Parameters<typeof registryFailed>[0]
}

/** What each means, and what to do about it. */
const NOT_DELIVERED: Record<
  string,
  (environment: string, from: string) => { code: Code; means?: string; fix: string }
> = {
  failed: (environment) => ({
    code: "DEPLOY_FAILED",
    fix: `correct what it says and deploy again; pyline status ${environment} says what runs`,
  }),
  unhealthy: (environment) => ({
    code: "DEPLOY_UNHEALTHY",
    means: `The new release was removed. What ran on ${environment} before runs still.`,
    fix: "find the cause in its last lines, and publish a new image",
  }),
  unproven: (environment) => ({
    code: "DEPLOY_UNPROVEN",
    means: "Something answers, but nothing shows that it is the new release.",
    fix: `pyline status ${environment} says what runs; correct what says which digest that is`,
  }),
  "migration-failed": (environment) => ({
    code: "MIGRATION_FAILED",
    means: `The new release was not started. What ran on ${environment} before runs still, on what the command has changed by then.`,
    fix: "correct the release command, and publish a new image",
  }),
  older: (environment) => ({
    code: "DEPLOY_OLDER",
    means:
      "An older build never replaces a newer one: two pipelines may end in another order than they began.",
    fix: `to go back on purpose: pyline rollback ${environment}`,
  }),
  "not-verified": (environment, from) => ({
    code: "NOT_VERIFIED",
    means: `Nothing was changed${from === environment ? "" : ` on ${environment}`}.`,
    fix: `deploy it, and verify what runs: pyline validate ${from}`,
  }),
  held: () => ({
    code: "ENVIRONMENT_HELD",
    means: "What it was rolled back from must not come back by itself.",
    fix: "when its cause is mended, say so: --end-hold",
  }),
  rejected: () => ({
    code: "DIGEST_REJECTED",
    means: "What a validation said no to does not come back by itself. Nothing was changed.",
    fix: "publish an image in which it is mended; where the cause was not in the image, try this one again: --again",
  }),
  invalid: (environment) => ({
    code: "VALIDATION_FAILED",
    means: "It is not promoted.",
    fix: `mend it and release again, or go back: pyline rollback ${environment}`,
  }),
  request: () => ({ code: "DELIVERY_REFUSED", fix: "correct the request or the settings" }),
  locked: () => ({
    code: "ENVIRONMENT_LOCKED",
    means: "Nothing was changed.",
    fix: "wait until they are done; where nobody is at work any more: --break-lock",
  }),
  unreachable: (environment) => ({
    code: "TARGET_UNREACHABLE",
    means: `What runs on ${environment} was left alone.`,
    fix: `check the network and what lets one in, then do it again; pyline status ${environment} says what runs`,
  }),
  "pull-failed": (environment) => ({
    code: "PULL_FAILED",
    means: `${environment} could not get the image. What runs there was left alone.`,
    fix: "check that it may pull from the registry: --username NAME --password env:TOKEN",
  }),
  raced: (environment) => ({
    code: "LEDGER_RACED",
    means: "What was decided on may not be so any more.",
    fix: `look at it, then do it again: pyline status ${environment}`,
  }),
  errored: (environment) => ({
    code: "DELIVERY_ERRORED",
    fix: `pyline status ${environment} says what runs; do it again when the cause is gone`,
  }),
}

const KIND_OF_TROUBLE = { failed: "failed", request: "request", errored: "errored" } as const

/** Why an image was not delivered to an environment. `from` is what it was promoted from. */
export function deliveryFailed(
  { kind, code, message, detail, registry }: NotDelivered,
  environment: string,
  from: string = environment,
): PylineError {
  if (code === "registry" && registry !== undefined) return registryFailed(registry, message)
  const known = Object.hasOwn(NOT_DELIVERED, code) ? code : KIND_OF_TROUBLE[kind]
  const {
    code: own,
    means,
    fix,
  } = (NOT_DELIVERED[known] as (typeof NOT_DELIVERED)[string])(environment, from)
  const isNamed = [environment, from].some((name) =>
    new RegExp(`(?:^| )${name}(?: |$)`).test(message),
  )
  return error(own, {
    found: isNamed ? message : `${environment}: ${message}`,
    means: [...detail.map((line) => `  ${line}`), ...(means === undefined ? [] : [means])],
    fix,
    page: "delivery",
  })
}

export function environmentsMissing(): PylineError {
  return error("ENVIRONMENT_UNKNOWN", {
    found: "the project has no environments",
    means: ["An environment is where the application runs, such as staging and production."],
    fix: 'describe one: [tool.pyline.environments.staging] target = "docker", host = "ssh://…", registry = "ghcr.io/me/app"',
    page: "delivery",
  })
}

export function environmentUnknown(name: string, known: readonly string[]): PylineError {
  return error("ENVIRONMENT_UNKNOWN", {
    found: `the project has no environment ${JSON.stringify(name)}`,
    means: [`It has ${quoted(known)}.`],
    fix: `use one of them, or add [tool.pyline.environments.${name}]`,
    page: "delivery",
  })
}

/** An image would come to an environment by another way than from the one before it. */
export function promotionRefused(found: string, fix: string): PylineError {
  return error("PROMOTION_REFUSED", { found, fix, page: "delivery" })
}

/** Known before anything was done. */
export const targetUnreachable = (environment: string, message: string): PylineError =>
  deliveryFailed({ kind: "errored", code: "unreachable", message, detail: [] }, environment)

export const environmentHeld = (environment: string, digest: string, at: string): PylineError =>
  deliveryFailed(
    {
      kind: "failed",
      code: "held",
      message: `held since it was rolled back to ${digest} at ${at}`,
      detail: [],
    },
    environment,
  )

/** The project's own tests of what runs are red. */
export const validationFailed = (
  environment: string,
  message: string,
  log: readonly string[],
): PylineError =>
  deliveryFailed({ kind: "failed", code: "invalid", message, detail: log }, environment)

/** The project's own tests of what runs could not be run: that is neither yes nor no. */
export function acceptanceErrored(
  environment: string,
  command: readonly string[],
  exitCode: number,
  log: readonly string[],
): PylineError {
  return error("ACCEPTANCE_ERRORED", {
    found: `${environment}: validate-command could not be run: exit status ${exitCode}`,
    means: [
      `  ${command.join(" ")}`,
      ...log.map((line) => `  ${line}`),
      `Nothing is said of what runs on ${environment}.`,
    ],
    fix: "correct validate-command; it runs with the test dependencies of the project",
    page: "delivery",
  })
}

/** An error with one line more of what it means. */
export function withMeaning({ code, text }: PylineError, line: string): PylineError {
  return new PylineError(code, { ...text, means: [...(text.means ?? []), line] })
}

/** A shell was asked for where none can be had. */
export function noShell(why: string): PylineError {
  return error("USAGE", {
    found: `--debug could not open a shell: ${why}`,
    fix: "run it at a terminal, or leave out --debug",
    page: "debug",
  })
}

export function usage(found: string, fix: string): PylineError {
  return error("USAGE", { found, fix })
}

export function internal(what: string, log: readonly string[]): PylineError {
  return error("INTERNAL", {
    found: what,
    means: log.map((line) => `  ${line}`),
    fix: "report it with the lines above",
    page: "report-a-bug",
  })
}
