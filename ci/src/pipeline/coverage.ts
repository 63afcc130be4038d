import { type Directory, dag, type Secret } from "@dagger.io/dagger"
import { internal } from "../errors.ts"
import { type Needed, neededWith } from "../project/coverage.ts"
import { coverageProgram } from "./asset.ts"
import { SOURCE } from "./base.ts"
import { list, number, object, text, whole } from "./checked.ts"
import { files } from "./files.ts"
import { installed } from "./install.ts"
import type { Version } from "./matrix.ts"
import { inProject } from "./tests.ts"
import { HOME } from "./toolbox.ts"

const PROGRAM = `${HOME}/coverage`
const DATA = `${HOME}/data`
const REPORTS = "/reports"
const OUTPUT = "/opt/coverage.json"

/** What all runs together cover. */
export interface Coverage {
  /** Of statements, or of statements and branches where the project measures them. */
  percent: number
  /** As coverage.py rounds it. */
  shown: string
  statements: number
  missing: number
  branches?: number
  /** What is needed, where something is. */
  needed?: Needed
  /** Why nothing is, though the project says so. */
  why?: string
  enough: boolean
  /** The files where most is missing. */
  worst: { file: string; percent: string; missing: string }[]
}

export interface Measured {
  coverage: Coverage
  /** coverage.xml, coverage.json, htmlcov/. */
  reports: Directory
}

/** Whether a run measured coverage; its data lie in `coverage/` of its reports. */
const hasData = ({ run, reports }: Version): boolean =>
  run.coverage === true && reports !== undefined

/**
 * Combines what runs covered, in a container of the newest version of Python among them, with the project's own coverage.py.
 *
 * @returns undefined where nothing was measured
 */
export async function combined(
  versions: readonly Version[],
  source: Directory,
  options: { args: readonly string[]; indexCredentials?: Secret | undefined },
): Promise<Measured | undefined> {
  const measured = versions.filter(hasData)
  const plan = measured.findLast((version) => version.plan?.coverage !== undefined)?.plan
  if (plan?.coverage === undefined) return undefined
  const { needed, why } = neededWith(plan.coverage, options.args)
  let data = dag.directory()
  for (const { run, reports } of measured) {
    const include = [`${run.name}.data*`]
    if (reports !== undefined)
      data = data.withDirectory("/", reports.directory("coverage"), { include })
  }
  const { config } = plan.coverage
  const { directory } = plan.runner
  const container = inProject(plan, source, await installed(plan, source, options.indexCredentials))
    .withMountedDirectory(PROGRAM, files(coverageProgram()))
    .withMountedDirectory(DATA, data)
    .withWorkdir(directory === undefined ? SOURCE : `${SOURCE}/${directory}`)
    .withExec([
      ...["python", "-I", `${PROGRAM}/combine_coverage.py`, "--data", DATA],
      ...["--reports", REPORTS, "--output", OUTPUT],
      ...(config === undefined ? [] : ["--config", config]),
      ...(needed === undefined ? [] : ["--needed", `${needed.percent}`]),
    ])
  const answer = parseCoverage(await container.file(OUTPUT).contents())
  if (answer === undefined) return undefined
  return {
    coverage: {
      ...answer,
      ...(needed === undefined ? {} : { needed }),
      ...(why === undefined ? {} : { why }),
    },
    reports: container.directory(REPORTS),
  }
}

/** Reads what ci/probe/combine_coverage.py writes; undefined for no data. Plugins of the project ran beside it, so it is checked. */
export function parseCoverage(document: string): Coverage | undefined {
  try {
    const raw = object(JSON.parse(document))
    if (raw.schema === 1 && raw.none === true) return undefined
    if (raw.schema === 1 && typeof raw.enough === "boolean")
      return {
        percent: number(raw.percent),
        shown: text(raw.shown),
        statements: whole(raw.statements),
        missing: whole(raw.missing),
        ...(raw.branches === undefined ? {} : { branches: whole(raw.branches) }),
        enough: raw.enough,
        worst: list(raw.worst).map((entry) => {
          const { file, percent, missing } = object(entry)
          return { file: text(file), percent: text(percent), missing: text(missing) }
        }),
      }
  } catch {}
  throw internal(
    "the program that combines coverage wrote no result",
    document.split("\n").slice(0, 5),
  )
}
