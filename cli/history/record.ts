import { createHash } from "node:crypto"
import type { Result } from "../../ci/src/pipeline/result.ts"
import type { Step } from "../output/steps.ts"
import { title } from "../output/title.ts"

/** What is remembered of a run: enough to compare runs, and to ask for its reports once more. Never a secret. */
export interface Record {
  v: 1
  /** When it was over, as ISO 8601. */
  at: string
  verb: string
  /** The flags it was called with, but for those that take a secret. */
  given: { [name: string]: string[] }
  /** Equal where the project and what was asked of its tests were equal; absent where nobody could say. */
  inputs?: string
  /** Milliseconds of the whole command. */
  ms: number
  title: string
  verdict: Result["verdict"]
  runs: RunRecord[]
  checks: { check: string; outcome: string; seconds: number }[]
  steps: StepRecord[]
}

export interface RunRecord {
  name: string
  verdict: string
  seconds: number
  /** How many tests there were, skipped ones with them. */
  tests: number
  /** Names of red tests. */
  red: string[]
  /** Seconds of the slowest tests, by their names. */
  slowest: { [id: string]: number }
}

export interface StepRecord {
  /** Equal where the step and all its inputs were equal. */
  id: string
  name: string
  status: "done" | "cached" | "failed" | "canceled"
  /** Milliseconds since the first step began. */
  start: number
  ms: number
}

const RED = 100
const STEPS = 80
const NAME = 300
const STEP_NAME = 90

/** The part of a result that is remembered. */
export function resultRecord(
  result: Result,
): Pick<Record, "title" | "verdict" | "runs" | "checks"> {
  return {
    title: result.title,
    verdict: result.verdict,
    runs: result.runs.map(({ name, verdict, seconds, counts, failures, slowest = [] }) => ({
      name,
      verdict,
      seconds,
      tests: Object.values(counts).reduce((sum, count) => sum + count, 0),
      red: failures.slice(0, RED).map(({ id }) => id.slice(0, NAME)),
      slowest: Object.fromEntries(slowest.map(({ id, seconds }) => [id.slice(0, NAME), seconds])),
    })),
    checks: result.checks.map(({ check, outcome, seconds }) => ({ check, outcome, seconds })),
  }
}

/** The steps of a session that took an engine's time or saved it, in the order in which they began. */
export function stepRecords(steps: Iterable<Step>): StepRecord[] {
  const own = [...steps].filter(
    ({ id, name, status }) =>
      status !== "running" && !id.startsWith("setup ") && !name.startsWith("image "),
  )
  const first = Math.min(...own.map(({ started }) => started))
  const records = own.map(({ id, name, status, started, ended = started }) => ({
    // Long enough to tell steps apart.
    id: id.replace(/^sha256:/, "").slice(0, 20),
    name: shownName(name),
    status: status as StepRecord["status"],
    start: Math.max(0, started - first),
    ms: status === "cached" ? 0 : Math.max(0, ended - started),
  }))
  return records.sort((a, b) => a.start - b.start).slice(-STEPS)
}

/** Equal for equal inputs. */
export function inputsOf(sourceDigest: string, given: Record["given"]): string {
  // Versions have a run each, and which run of several it is says nothing of what went in.
  const { python: _, attempt: __, source: ___, only: ____, ...others } = given
  const parts = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash("sha256")
    .update(JSON.stringify([sourceDigest, parts]))
    .digest("hex")
    .slice(0, 20)
}

/** Without the folders of this machine, and without what may be in an address. Before it is cut, as then half of one could stay. */
const shownName = (name: string): string => {
  const text = title(name.replace(/^upload .*\/(?=[^/]+$)/, "upload ")).replace(
    /(\w:\/\/)[^/\s@]*@/g,
    "$1***@",
  )
  return text.length > STEP_NAME ? `${text.slice(0, STEP_NAME - 1)}…` : text
}
