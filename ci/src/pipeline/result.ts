import { internal } from "../errors.ts"
import type { CheckResult } from "./check.ts"
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
  /** Path of the JUnit file in the report folder, with the time of each test. */
  junit?: string
  /** Why there is none. */
  junitError?: string
  /** Of a killed, crashed or aborted run. */
  stopped?: Stop
  /** The last lines that were printed. */
  tail: string[]
  error?: { code: string; message: string }
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
}

/** One result of several runs and checks. */
export function resultOf(runs: readonly Run[], checks: readonly CheckResult[] = []): Result {
  const counts = noCounts()
  for (const run of runs) for (const key of COUNTS) counts[key] += run.counts[key]
  const outcomes = checks.map(({ outcome }) => outcome)
  const isGreen =
    runs.every((run) => run.verdict === "passed") &&
    outcomes.every((outcome) => outcome === "passed" || outcome === "skipped")
  const verdict = isGreen
    ? "passed"
    : runs.some(isRed) || outcomes.includes("failed")
      ? "failed"
      : "errored"
  const seconds = Math.max(0, ...runs.map((run) => run.seconds))
  return {
    schema: 2,
    verdict,
    title: titleOf(runs, checks),
    counts,
    seconds,
    runs: [...runs],
    checks: [...checks],
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
    ...(raw.junit === `junit/${name}.xml` ? { junit: raw.junit } : {}),
    ...optional("junitError", raw.junitError, text),
    ...optional("stopped", raw.stopped, stop),
    tail: list(raw.tail).map(text),
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

function optional<K extends string, T>(
  key: K,
  value: unknown,
  read: (value: unknown) => T,
): { [key in K]?: T } {
  return value === undefined || value === null ? {} : ({ [key]: read(value) } as { [key in K]: T })
}

function object(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new TypeError("no object")
  return value as Record<string, unknown>
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value.slice(0, 1000) : [])

function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("no text")
  return value.slice(0, 10_000)
}

function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new TypeError("no number")
  return value
}

const whole = (value: unknown): number => Math.max(0, Math.trunc(number(value)))
