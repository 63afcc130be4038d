import type { CheckResult, Outcome } from "./check.ts"
import type { Coverage } from "./coverage.ts"
import type { Result, Run } from "./result.ts"

/** Rows of one table and folds of tracebacks. GitHub takes a megabyte, people a screen. */
const ROWS = 50
const FOLDS = 10
const SIGNS: Record<Outcome, string> = { passed: "✅", failed: "❌", errored: "⚠️", skipped: "➖" }

/** `summary.md`: the result as GitHub and others show it, what is red first. */
export function markdown(result: Result): string {
  const { runs, checks, coverage, verdict, title } = result
  const parts = [`# ${SIGNS[verdict]} ${cell(title)}`, overview(result), ...failures(runs)]
  if (coverage !== undefined) parts.push(...lowCoverage(coverage))
  parts.push(...checks.flatMap(findings))
  return `${parts.join("\n\n")}\n`
}

function overview({ runs, checks, coverage }: Result): string {
  const rows = [
    ...runs.map((run) =>
      row(signOf(run), `test ${run.python}`, said(run), `${run.seconds.toFixed(1)} s`),
    ),
    ...(coverage === undefined ? [] : [coverageRow(coverage)]),
    ...checks.map(({ check, outcome, summary, seconds }) =>
      row(SIGNS[outcome], check, summary, `${seconds.toFixed(1)} s`),
    ),
  ]
  return ["|   | check | result | time |", "|---|---|---|---:|", ...rows].join("\n")
}

function failures(runs: readonly Run[]): string[] {
  const byId = new Map<string, { pythons: string[]; failure: Run["failures"][number] }>()
  for (const { python, failures } of runs) {
    for (const failure of failures) {
      const known = byId.get(failure.id)
      if (known === undefined) byId.set(failure.id, { pythons: [python], failure })
      else if (!known.pythons.includes(python)) known.pythons.push(python)
    }
  }
  const red = [...byId.values()]
  if (red.length === 0) return []
  const several = runs.length > 1
  const rows = red.slice(0, ROWS).map(({ pythons, failure: { id, file, line, message } }) => {
    const where = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}`
    return row(id, ...(several ? [pythons.join(", ")] : []), where, message ?? "")
  })
  const heads = several
    ? ["| test | Python | where | what |", "|---|---|---|---|"]
    : ["| test | where | what |", "|---|---|---|"]
  const folds = red.flatMap(({ failure: { id, text = "", output = "" } }) =>
    text === "" && output === "" ? [] : fold(id, [text, output].filter(Boolean).join("\n\n")),
  )
  return [
    "## Failing tests",
    [...heads, ...rows].join("\n"),
    ...more(red.length - rows.length),
    ...folds.slice(0, FOLDS),
  ]
}

function coverageRow({ shown, statements, enough, needed, why }: Coverage): string {
  const asked = needed === undefined ? "" : `, ${needed.percent} % needed`
  const said = `${shown} % of ${statements} statements${asked}${why === undefined ? "" : ` (${why})`}`
  return row(SIGNS[enough ? "passed" : "failed"], "coverage", said, "")
}

function lowCoverage({ enough, worst }: Coverage): string[] {
  if (enough || worst.length === 0) return []
  const rows = worst.map(({ file, percent, missing }) => row(file, `${percent} %`, missing))
  return [
    "## Where coverage is missing",
    ["| file | covered | missing lines |", "|---|---|---|", ...rows].join("\n"),
  ]
}

function findings({ check, outcome, findings, detail }: CheckResult): string[] {
  const rows = findings
    .slice(0, ROWS)
    .map(({ file, line, message, rule, severity }) =>
      row(
        file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}`,
        severity,
        message,
        rule ?? "",
      ),
    )
  const isWrong = outcome === "failed" || outcome === "errored"
  if (rows.length === 0 && !isWrong) return []
  const table = ["| where | severity | what | rule |", "|---|---|---|---|", ...rows].join("\n")
  return [
    `## ${cell(check)}`,
    ...(rows.length === 0 ? [] : [table]),
    ...more(findings.length - rows.length),
    ...(isWrong && detail !== undefined ? [fenced(detail)] : []),
  ]
}

const more = (count: number): string[] => (count > 0 ? [`${count} more are in the reports.`] : [])

const signOf = ({ verdict }: Run): string =>
  verdict === "passed" || verdict === "errored" ? SIGNS[verdict] : SIGNS.failed

function said({ counts, verdict, error }: Run): string {
  if (error !== undefined) return error.message.split("\n", 1)[0] ?? ""
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  const words = parts.map(
    ([word, count]) => `${count} ${word === "errors" && count === 1 ? "error" : word}`,
  )
  return words.join(", ") || verdict.replace("-", " ")
}

const fold = (title: string, text: string): string =>
  `<details><summary>${html(line(title))}</summary>\n\n${fenced(text)}\n\n</details>`

/** A block that its text cannot end. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = "`".repeat(longest + 1)
  return `${fence}text\n${printable(text)}\n${fence}`
}

const row = (...cells: string[]): string => `| ${cells.map(cell).join(" | ")} |`

/** Text of a table's cell that stays text: tests choose it. */
const cell = (text: string): string => html(line(text).replace(/[|`[\]*_~\\]/g, "\\$&"))

const line = (text: string): string => printable(text).replace(/\s+/g, " ").slice(0, 500)

const html = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("@", "&#64;")
    // No links that a test thought of.
    .replaceAll("://", ":&#47;/")

/** Without escape sequences, and what else is a control character made visible. */
const printable = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/\x1b\[[0-?]*[ -/]*[@-~]/g, "")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "\ufffd")
