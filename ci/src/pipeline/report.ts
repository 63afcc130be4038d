import { type Directory, dag } from "@dagger.io/dagger"
import type { Plan } from "../project/plan.ts"
import { type Checked, resultOfError } from "./check.ts"
import type { Measured } from "./coverage.ts"
import { markdown } from "./markdown.ts"
import type { Version } from "./matrix.ts"
import { pageOf } from "./page.ts"
import { codeQuality } from "./quality.ts"
import { type Result, resultOf } from "./result.ts"

/** Everything that a run found out. */
export interface Findings {
  plan?: Plan | undefined
  versions: readonly Version[]
  measured?: Measured | undefined
  /** Why coverage could not be measured or combined, where it should have been. */
  error?: unknown
  checks?: readonly Checked[]
}

/**
 * The report folder, with names that do not depend on tools: `index.html`, `summary.md`, `result.json`, `junit/`, `*.sarif`, `coverage.xml`,
 * `check-*.json`, `audit.json`, `gl-code-quality-report.json`. docs/reports.md describes it.
 */
export function reportFolder(findings: Findings): Directory {
  const { versions, measured, checks = [] } = findings
  let folder = measured?.reports ?? dag.directory()
  for (const { result, reports } of checks) {
    // The whole answer of the service: no code of the project ran beside it.
    if (result.check === "audit")
      folder = folder.withDirectory("/", reports.filter({ include: ["audit.json"] }))
    // Of what was read, and not what lies there: project code may have run beside its author.
    const text = `${JSON.stringify({ schema: 1, ...result }, undefined, 2)}\n`
    folder = folder.withNewFile(`check-${result.check}.json`, text)
  }
  for (const { run, reports } of versions) {
    if (reports === undefined) continue
    if (run.junit !== undefined) folder = folder.withFile(run.junit, reports.file(run.junit))
    // For a later run that combines this one's with others.
    if (run.coverage === true)
      folder = folder.withDirectory("coverage", reports.directory("coverage"), {
        include: [`${run.name}.data*`],
      })
  }
  const result = resultIn(findings)
  folder = folder
    .withNewFile("result.json", `${JSON.stringify(result, undefined, 2)}\n`)
    .withNewFile("summary.md", markdown(result))
    .withNewFile("gl-code-quality-report.json", codeQuality(result))
  const plan = findings.plan ?? versions.find((version) => version.plan !== undefined)?.plan
  let raw = folder
  for (const { reports } of checks)
    raw = raw.withDirectory("/", reports.filter({ include: ["*.sarif"] }))
  return folder.withDirectory("/", pageOf(raw, plan))
}

/** The `result.json` of what was found. */
export function resultIn({ versions, measured, error, checks = [] }: Findings): Result {
  const results = checks.map(({ result }) => result)
  // It keeps the tests from being green, so it has to stand somewhere.
  if (error !== undefined) results.push(resultOfError("coverage", error))
  return resultOf(
    versions.map(({ run }) => run),
    results,
    measured?.coverage,
  )
}
