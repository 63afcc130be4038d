import { internal } from "../errors.ts"
import type { CheckResult } from "./check.ts"
import { list, number, object, optional, text, whole } from "./checked.ts"
import type { Coverage } from "./coverage.ts"
import type { Shard } from "./shard.ts"
import { titleOf } from "./title.ts"

const VERDICTS = [
  "passed",
  "failed",
  "no-tests",
  "killed",
  "crashed",
  "aborted",
  "errored",
] as const
const COUNTS = ["passed", "failed", "errors", "skipped", "xfailed", "xpassed"] as const

export type Counts = Record<(typeof COUNTS)[number], number>

/** A red test, or a file that could not be collected. */
export interface Failure {
  /** As the runner names it, for example `tests/test_api.py::test_get`. */
  id: string
  kind: "failed" | "error"
  file?: string
  line?: number
  /** First line of what went wrong. */
  message?: string
  /** What the runner says of it, a traceback in most cases. */
  text?: string
  /** What the test printed, where the runner tells. */
  output?: string
}

const STOPS = ["import", "usage", "timeout", "crash", "exit", "error", "running"] as const

/** Why a run came to no verdict, as far as what it printed last tells. */
export interface Stop {
  /** `running`: a test of `file` was running, and that is all that is known. */
  kind: (typeof STOPS)[number]
  message?: string
  file?: string
  line?: number
  /** Name of the test that was running. */
  test?: string
}

/** The tests on one version of Python. */
export interface Run {
  /** `python-3.13`; its reports are named after it. */
  name: string
  /** Minor version. */
  python: string
  /** Absent where it did not come so far. */
  runner?: string
  /** `errored` where the tests could not be started: `error` says why. */
  verdict: (typeof VERDICTS)[number]
  exitCode?: number
  signal?: string
  counts: Counts
  seconds: number
  failures: Failure[]
  /** The slowest tests, the slowest first. */
  slowest?: { id: string; seconds: number }[]
  /** Path of the JUnit file in the report folder, with the time of each test. */
  junit?: string
  /** Why there is none. */
  junitError?: string
  /** Of a killed, crashed or aborted run. */
  stopped?: Stop
  /** The last lines that were printed. */
  tail: string[]
  error?: { code: string; message: string }
  /** Tests side by side, with pytest-xdist. */
  workers?: number
  /** Whether coverage was measured. */
  coverage?: boolean
  /** The part of the suite that it was, and of how many tests of how many that part is. */
  shard?: Shard & { tests: number; of: number }
  attempt?: string
  /** Services that did not answer any more when the tests were red. */
  lost?: string[]
}

/** `result.json`, schema 2; docs/result.md describes it. */
export interface Result {
  schema: 2
  verdict: "passed" | "failed" | "errored"
  /** What came of it in one sentence. */
  title: string
  /** Of all runs together. */
  counts: Counts
  /** Of the longest run: they are made side by side. */
  seconds: number
  runs: Run[]
  /** What else was checked. */
  checks: CheckResult[]
  /** Of all runs together, where it is measured. */
  coverage?: Coverage
}

/** One result of several runs and checks. */
export function resultOf(
  runs: readonly Run[],
  checks: readonly CheckResult[] = [],
  coverage?: Coverage,
): Result {
  const counts = noCounts()
  for (const run of runs) for (const key of COUNTS) counts[key] += run.counts[key]
  const outcomes = checks.map(({ outcome }) => outcome)
  const isLow = coverage?.enough === false
  const isGreen =
    !isLow &&
    runs.every((run) => run.verdict === "passed") &&
    outcomes.every((outcome) => outcome === "passed" || outcome === "skipped")
  const verdict = isGreen
    ? "passed"
    : runs.some(isRed) || isLow || outcomes.includes("failed")
      ? "failed"
      : "errored"
  const seconds = Math.max(0, ...runs.map((run) => run.seconds))
  return {
    schema: 2,
    verdict,
    title: titleOf(runs, checks, coverage),
    counts,
    seconds,
    runs: [...runs],
    checks: [...checks],
    ...(coverage === undefined ? {} : { coverage }),
  }
}

/** The tests said no, or were kept from saying anything by themselves. */
export const isRed = ({ verdict }: Run): boolean => verdict !== "passed" && verdict !== "errored"

export const noCounts = (): Counts => ({
  passed: 0,
  failed: 0,
  errors: 0,
  skipped: 0,
  xfailed: 0,
  xpassed: 0,
})

/**
 * Reads the runs of a result.json. The project's own code ran beside its author, so it is checked and not trusted.
 *
 * @throws INTERNAL where it is not what ci/probe/run_tests.py writes
 */
export function parseRuns(text: string): Run[] {
  try {
    const result = JSON.parse(text) as { schema?: unknown; runs?: unknown }
    if (result.schema === 2 && Array.isArray(result.runs)) return result.runs.map(checked)
  } catch {}
  throw internal("the test program wrote no result", text.split("\n").slice(0, 5))
}

function checked(value: unknown): Run {
  const raw = object(value)
  const verdict = VERDICTS.find((known) => known === raw.verdict)
  if (verdict === undefined) throw new TypeError("no verdict")
  const counts = noCounts()
  for (const key of COUNTS) counts[key] = whole(object(raw.counts)[key])
  const name = text(raw.name)
  const python = text(raw.python)
  if (!/^[\w.-]{1,100}$/.test(name) || !/^\d\.\d{1,3}$/.test(python)) throw new TypeError("no name")
  return {
    name,
    python,
    ...optional("runner", raw.runner, text),
    verdict,
    ...optional("exitCode", raw.exitCode, whole),
    ...optional("signal", raw.signal, text),
    counts,
    seconds: Math.max(0, number(raw.seconds)),
    failures: list(raw.failures).map(failure),
    ...optional("slowest", raw.slowest, slowTests),
    ...(raw.junit === `junit/${name}.xml` ? { junit: raw.junit } : {}),
    ...optional("junitError", raw.junitError, text),
    ...optional("stopped", raw.stopped, stop),
    tail: list(raw.tail).map(text),
    ...optional("error", raw.error, (value) => {
      const { code, message } = object(value)
      return { code: text(code), message: text(message) }
    }),
    ...optional("workers", raw.workers, whole),
    ...(raw.coverage === true ? { coverage: true } : {}),
    ...optional("shard", raw.shard, shard),
    ...optional("attempt", raw.attempt, text),
    ...(list(raw.lost).length > 0 ? { lost: list(raw.lost).map(text) } : {}),
  }
}

function stop(value: unknown): Stop {
  const raw = object(value)
  const kind = STOPS.find((known) => known === raw.kind)
  if (kind === undefined) throw new TypeError("no kind")
  return {
    kind,
    ...optional("message", raw.message, text),
    ...optional("file", raw.file, text),
    ...optional("line", raw.line, whole),
    ...optional("test", raw.test, text),
  }
}

function shard(value: unknown): Shard & { tests: number; of: number } {
  const { index, count, tests, of } = object(value)
  return { index: whole(index), count: whole(count), tests: whole(tests), of: whole(of) }
}

function failure(value: unknown): Failure {
  const raw = object(value)
  return {
    id: text(raw.id),
    kind: raw.kind === "error" ? "error" : "failed",
    ...optional("file", raw.file, text),
    ...optional("line", raw.line, whole),
    ...optional("message", raw.message, text),
    ...optional("text", raw.text, text),
    ...optional("output", raw.output, text),
  }
}

const slowTests = (value: unknown): { id: string; seconds: number }[] =>
  list(value).map((item) => {
    const raw = object(item)
    return { id: text(raw.id), seconds: Math.max(0, number(raw.seconds)) }
  })
