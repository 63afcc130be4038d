import { createHash } from "node:crypto"
import type { Plan } from "./plan.ts"

/** The plan as a person reads it: each decision, the rule behind it, and what was not taken. */
export function showPlan(plan: Plan): string {
  const width = Math.max(...plan.decisions.map(({ about }) => about.length))
  const lines: string[] = []
  for (const { about, value, file, line, rule, rejected } of plan.decisions) {
    const where = file === undefined ? "" : ` (${file}${line === undefined ? "" : `:${line}`})`
    lines.push(`${about.padEnd(width)}  ${value}`, `${" ".repeat(width)}  ${rule}${where}`)
    for (const other of rejected) {
      const from = other.file === undefined ? "" : ` (${other.file})`
      lines.push(`${" ".repeat(width)}  not ${other.value}${from}: ${other.why}`)
    }
  }
  for (const warning of plan.warnings) lines.push(`warning: ${warning}`)
  return lines.join("\n")
}

/** The plan as JSON. The texts that a lock is made of are given by their digests: they are long, and no news. */
export function planJson(plan: Plan): string {
  const digest = (text: string): string =>
    `sha256:${createHash("sha256").update(text).digest("hex")}`
  const shorten = (key: string, value: unknown): unknown => {
    if (key === "document") return digest(String(value))
    return key === "documents"
      ? Object.fromEntries(
          Object.entries(value as Record<string, string>).map(([path, text]) => [
            path,
            digest(text),
          ]),
        )
      : value
  }
  return JSON.stringify(plan, shorten, 2)
}
