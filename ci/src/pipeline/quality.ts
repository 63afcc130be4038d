import { createHash } from "node:crypto"
import type { Result } from "./result.ts"

const SEVERITY = { error: "major", warning: "minor", note: "info" } as const

/**
 * Findings of checks and red tests as GitLab's Code Quality report, which it shows in a merge request.
 *
 * @see https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
 */
export function codeQuality(result: Result): string {
  const seen = new Map<string, number>()
  const entries = [...inTests(result), ...inChecks(result)].map(
    ({ check, file, line, ...entry }) => {
      // Without the line: an edit above a finding does not make it a new one. Equal ones are numbered.
      const key = [check, file, entry.description].join("\0")
      const nth = seen.get(key) ?? 0
      seen.set(key, nth + 1)
      return {
        ...entry,
        check_name: check,
        fingerprint: createHash("sha256").update(`${key}\0${nth}`).digest("hex"),
        location: { path: file, lines: { begin: line } },
      }
    },
  )
  return `${JSON.stringify(entries, undefined, 2)}\n`
}

interface Entry {
  check: string
  description: string
  severity: "major" | "minor" | "info"
  file: string
  line: number
}

function inTests({ runs }: Result): Entry[] {
  const entries = new Map<string, Entry>()
  for (const { failures } of runs) {
    for (const { id, file, line = 1, message } of failures) {
      if (file === undefined) continue
      const description = message === undefined ? `${id} failed` : `${id}: ${message}`
      // The same on several versions of Python is one.
      entries.set(description, { check: "test", description, severity: "major", file, line })
    }
  }
  return [...entries.values()]
}

function inChecks({ checks }: Result): Entry[] {
  return checks.flatMap(({ check, findings }) =>
    findings.flatMap(({ file, line = 1, rule, message, severity }) => {
      if (file === undefined) return []
      const name = rule === undefined ? check : `${check}: ${rule}`
      return { check: name, description: message, severity: SEVERITY[severity], file, line }
    }),
  )
}
