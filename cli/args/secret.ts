import { homedir } from "node:os"
import { resolve } from "node:path"
import { UsageError } from "../failure.ts"

const SCHEMES = ["env", "file", "cmd", "op", "vault", "libsecret", "gcp", "aws+sm", "aws+ps"]

/**
 * Reads the reference to a secret as `dagger call` does (`env:NAME`, `env://NAME`, `file:PATH`, `cmd:…`)
 * and returns it as a URI. A plain value is refused, and never repeated: command lines are visible to
 * every user of a machine and end up in histories and logs.
 */
export function parseSecret(text: string, flag: string, cwd: string): string {
  const match = /^([a-z+]+):(?:\/\/)?(.+)$/s.exec(text)
  const [, scheme, rest] = match ?? []
  if (!scheme || !rest || !SCHEMES.includes(scheme)) {
    throw new UsageError(
      `--${flag} takes the place of a secret, not the secret itself`,
      `put it into a variable or a file, then --${flag}=env:NAME or --${flag}=file:PATH`,
    )
  }
  if (scheme !== "file") return `${scheme}://${rest}`
  return `file://${resolve(cwd, rest.replace(/^~(?=\/|$)/, homedir()))}`
}
