import { plain } from "./plain.ts"
import type { Brought, LedgerRecord } from "./records.ts"
import type { Status } from "./status.ts"
import type { Validated } from "./validate.ts"

/** A deployment in lines: what runs now, how that is known, and what ran before. */
export function showBrought({ environment, image, before, after, unchanged }: Brought): string {
  return [
    `${environment} runs ${image}${unchanged ? ", and did before" : ""}`,
    `proof: ${after.proof}`,
    ...(unchanged || before === null ? [] : [`before: ${before.digest}`]),
  ].join("\n")
}

/** A validation in lines. */
export function showValidated(environment: string, { running, checks }: Validated): string {
  return [
    ...checks.map((check) => `passed  ${check}`),
    `${environment}: ${running.digest} is verified`,
  ].join("\n")
}

/** What is known of an environment, in lines. */
export function showStatus(status: Status): string {
  const { environment, running, unknown, deployed, verdict, held, working, trouble, drift } = status
  const lines = [
    running === null
      ? `${environment}: ${unknown === null ? "nothing runs" : `unknown: ${unknown}`}`
      : `${environment}: ${running.digest}`,
  ]
  if (running !== null) lines.push(`  proof: ${running.proof}`)
  if (running?.since) lines.push(`  since ${running.since}`)
  if (deployed !== null) lines.push(`  ${event(deployed)}`)
  if (running !== null && !drift)
    lines.push(`  ${verdict === null ? "not verified" : event(verdict)}`)
  if (drift && unknown === null)
    lines.push(`  this is not what was deployed: ${deployed?.digest ?? "nothing was"}`)
  if (held !== null) lines.push(`  held since ${held.at}: nothing is deployed until --end-hold`)
  if (working !== null)
    lines.push(`  ${working.by ?? "somebody"} began to change it at ${working.at}`)
  if (trouble !== null) lines.push(`  last attempt ${event(trouble)}`)
  return lines.map(plain).join("\n")
}

/** Records of an environment, newest first: a line for each. */
export function showHistory(environment: string, records: readonly LedgerRecord[]): string {
  if (records.length === 0) return `nothing was ever deployed to ${environment}`
  const rows = records
    .filter(({ event }) => event !== "started" && event !== "unchanged")
    .map((record) => [
      record.at,
      record.event,
      record.digest?.slice(0, 19) ?? "",
      record.revision?.slice(0, 12) ?? "",
      [record.by, record.run].filter(Boolean).join(" "),
      noteOf(record),
    ])
    .map((row) => row.map((cell) => plain(`${cell}`)))
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}

const event = ({ event: what, at, by, why }: LedgerRecord): string =>
  `${what} ${at}${by === undefined ? "" : ` by ${by}`}${why === undefined ? "" : `: ${why}`}`

function noteOf({ why, source, unverified, again }: LedgerRecord): string {
  if (why !== undefined) return why.split("\n", 1)[0] ?? ""
  const notes = [
    ...(source === undefined ? [] : [`from ${source.environment}`]),
    ...(unverified === true ? ["without promotion"] : []),
    ...(again === true ? ["again"] : []),
  ]
  return notes.join(", ")
}
