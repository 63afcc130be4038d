import { spawnSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { CheckResult } from "../../ci/src/pipeline/check.ts"
import type { Coverage } from "../../ci/src/pipeline/coverage.ts"
import { type Failure, noCounts, type Run, resultOf } from "../../ci/src/pipeline/result.ts"

const PROGRAM = fileURLToPath(new URL("../../ci/probe/report/report.py", import.meta.url))

export interface Case {
  name: string
  file?: string
  classname?: string
  seconds?: number
  /** Elements within, such as `<failure message="…">…</failure>`. */
  within?: string
}

/** A report folder as the module leaves it, but for the page. */
export interface Folder {
  junit?: Record<string, Case[]>
  runs?: Run[]
  checks?: CheckResult[]
  coverage?: Coverage
  files?: Record<string, string>
  context?: unknown
}

/** Writes a report folder and has the program make its page. Gives the address of the page. */
export function pageOf(directory: string, folder: Folder): string {
  const write = (name: string, text: string) => {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true })
    writeFileSync(path.join(directory, name), text)
  }
  const {
    junit = {},
    runs = Object.keys(junit).map((python) => runOf(python, junit[python] ?? [])),
  } = folder
  for (const [python, cases] of Object.entries(junit))
    write(`junit/python-${python}.xml`, xml(cases))
  for (const [name, text] of Object.entries(folder.files ?? {})) write(name, text)
  write("result.json", JSON.stringify(resultOf(runs, folder.checks, folder.coverage)))
  write("context.json", JSON.stringify(folder.context ?? { plan: PLAN }))
  const made = path.join(directory, "made")
  const args = ["-B", PROGRAM]
  const { status, stderr } = spawnSync(
    "python3",
    [...args, directory, path.join(directory, "context.json"), made],
    { encoding: "utf8" },
  )
  if (status !== 0 || /Traceback/.test(stderr)) throw new Error(`report.py: ${status} ${stderr}`)
  return pathToFileURL(path.join(made, "index.html")).href
}

export const PLAN = {
  name: "basket",
  python: "3.13",
  manager: "uv",
  runner: { kind: "pytest" },
  warnings: [],
  decisions: [
    {
      about: "package manager",
      value: "uv",
      file: "uv.lock",
      rule: "a lock decides",
      rejected: [],
    },
    {
      about: "test runner",
      value: "pytest",
      file: "pyproject.toml",
      line: 12,
      rule: "[tool.pytest.ini_options]",
      rejected: [{ value: "unittest", why: "pytest is configured" }],
    },
  ],
}

/** The run that such a JUnit file belongs to. */
export function runOf(python: string, cases: readonly Case[], more: Partial<Run> = {}): Run {
  const failed = cases.filter(({ within }) => /^<(failure|error)/.test(within ?? ""))
  const failures = failed.slice(0, 200).map(({ name, file }): Failure => {
    return { id: `${file}::${name}`, kind: "failed", ...(file === undefined ? {} : { file }) }
  })
  return {
    name: `python-${python}`,
    python,
    runner: "pytest",
    verdict: failed.length > 0 ? "failed" : "passed",
    counts: { ...noCounts(), passed: cases.length - failed.length, failed: failed.length },
    seconds: cases.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
    failures,
    junit: `junit/python-${python}.xml`,
    tail: [],
    ...more,
  }
}

function xml(cases: readonly Case[]): string {
  const texts = cases.map(({ name, file, classname, seconds = 0, within = "" }) => {
    const at = file === undefined ? "" : ` file=${quote(file)} line="3"`
    const of = classname ?? file?.replace(/\.py$/, "").replaceAll("/", ".") ?? ""
    return `<testcase classname=${quote(of)} name=${quote(name)}${at} time="${seconds.toFixed(3)}">${within}</testcase>`
  })
  return `<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest">${texts.join("\n")}</testsuite></testsuites>`
}

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
const quote = (text: string): string =>
  `"${escaped(text).replaceAll('"', "&quot;").replaceAll("\n", "&#10;")}"`

export const failure = (message: string, text: string): string =>
  `<failure message=${quote(message)}>${escaped(text)}</failure>`
