import { posix } from "node:path"
import type { Finding } from "../../ci/src/errors.ts"
import type { Result } from "../../ci/src/pipeline/result.ts"

/** GitHub shows so many of each kind for a step, and drops the rest without a word. */
const MOST = 10

interface Annotation {
  level: "error" | "warning"
  title: string
  message: string
  file?: string | undefined
  line?: number | undefined
  column?: number | undefined
}

/**
 * What is red as GitHub's workflow commands, one a line: they show in the changed files of a pull request.
 *
 * @param folder the project's folder in the repository, with slashes; empty where it is the repository
 * @see https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */
export function annotations(result: Result, folder = ""): string[] {
  const all = [...inTests(result), ...inChecks(result)]
  return (["error", "warning"] as const).flatMap((level) =>
    all
      .filter((annotation) => annotation.level === level)
      .slice(0, MOST)
      .map((annotation) => command(annotation, folder)),
  )
}

function inTests({ runs }: Result): Annotation[] {
  const found = new Map<string, Annotation & { pythons: string[] }>()
  for (const { python, failures } of runs) {
    for (const { id, file, line, message } of failures) {
      const known = found.get(id)
      if (known === undefined)
        found.set(id, {
          level: "error",
          title: id,
          message: message ?? "failed",
          file,
          line,
          pythons: [python],
        })
      else if (!known.pythons.includes(python)) known.pythons.push(python)
    }
  }
  return [...found.values()].map(({ pythons, ...annotation }) =>
    pythons.length === runs.length
      ? annotation
      : { ...annotation, title: `${annotation.title} (Python ${pythons.join(", ")})` },
  )
}

function inChecks({ checks }: Result): Annotation[] {
  return checks.flatMap(({ check, outcome, summary, findings }) => {
    const placed = findings.filter(
      ({ file, severity }) => file !== undefined && severity !== "note",
    )
    const own = placed.map((finding) => toAnnotation(check, finding))
    const isWrong = outcome === "failed" || outcome === "errored"
    return isWrong && own.length === 0
      ? [{ level: "error" as const, title: check, message: summary }]
      : own
  })
}

const toAnnotation = (
  check: string,
  { file, line, column, rule, message, severity }: Finding,
): Annotation => ({
  level: severity === "warning" ? "warning" : "error",
  title: rule === undefined ? check : `${check}: ${rule}`,
  message,
  file,
  line,
  column,
})

function command(
  { level, title, message, file, line, column }: Annotation,
  folder: string,
): string {
  const path = file === undefined ? undefined : posix.join(folder, file)
  const properties = { file: path, line, col: column, title: title.slice(0, 200) }
  const written = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeProperty(String(value))}`)
  return `::${level} ${written.join(",")}::${escapeData(message.slice(0, 1000))}`
}

const escapeData = (text: string): string =>
  text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A")

const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C")
