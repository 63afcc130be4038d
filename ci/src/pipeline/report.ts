import { type Directory, dag } from "@dagger.io/dagger"
import type { Version } from "./matrix.ts"
import { type Result, type Run, resultOf } from "./result.ts"
import { verdictOf } from "./summary.ts"

/** The report folder of all versions: `junit/`, `result.json`, `summary.md`. */
export function reportFolder(versions: readonly Version[]): Directory {
  let folder = dag.directory()
  for (const { run, reports } of versions) {
    if (reports !== undefined && run.junit !== undefined)
      folder = folder.withFile(run.junit, reports.file(run.junit))
  }
  const result = resultOf(versions.map(({ run }) => run))
  return folder
    .withNewFile("result.json", `${JSON.stringify(result, undefined, 2)}\n`)
    .withNewFile("summary.md", markdown(result))
}

/** The result as GitHub and others show it. */
export function markdown(result: Result): string {
  const { runs } = result
  const [only] = runs
  const lines = [
    `# Tests: ${runs.length === 1 && only !== undefined ? only.verdict : result.verdict}`,
    "",
    verdictOf(result),
    "",
  ]
  if (runs.length > 1) {
    lines.push("| Python | verdict | tests |", "|---|---|---|")
    for (const run of runs) lines.push(row(run.python, run.verdict, said(run)))
    lines.push("")
  }
  const failures = runs.flatMap((run) => run.failures.map((failure) => ({ run, failure })))
  if (failures.length > 0) {
    const several = runs.length > 1
    lines.push(`|${several ? " Python |" : ""} test | where | what |`)
    lines.push(`|${several ? "---|" : ""}---|---|---|`)
    for (const { run, failure } of failures) {
      const { id, file, line, message } = failure
      const where = file === undefined ? "" : `${file}:${line ?? ""}`
      lines.push(row(...(several ? [run.python] : []), id, where, message ?? ""))
    }
    lines.push("")
  }
  return lines.join("\n")
}

const said = (run: Run): string =>
  run.error === undefined ? verdictOf(run) : (run.error.message.split("\n", 1)[0] ?? "")

const row = (...cells: string[]): string => `| ${cells.map(cell).join(" | ")} |`

/** Text of a table's cell that stays text: tests choose it. */
const cell = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("@", "&#64;")
    .replace(/[|`[*_\\]/g, "\\$&")
