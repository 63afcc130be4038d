import type { Facts } from "./facts.ts"
import type { Start } from "./plan.ts"

const PORT = 8000

/** What an image of the project starts. */
export function decideStart({ settings }: Facts): { start?: Start } {
  const asked = settings?.start
  if (asked === undefined) return {}
  const command = typeof asked === "string" ? ["/bin/sh", "-c", `exec ${asked}`] : asked
  return { start: { command, kind: "web", port: settings?.port ?? PORT } }
}
