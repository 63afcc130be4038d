import { statSync } from "node:fs"
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

/**
 * Says at once that a secret is not there: on a CI host it is often not given to a job. A variable may well be empty. Its name is not
 * repeated, as it may be the secret by mistake.
 *
 * @param uri as `parseSecret` returns it
 */
export function requireSecret(uri: string, flag: string): void {
  const [, scheme, rest = ""] = /^(env|file):\/\/(.*)$/s.exec(uri) ?? []
  if (scheme === "env" && process.env[rest] === undefined)
    throw new UsageError(
      `--${flag}: there is no such variable`,
      "set it and export it; on a CI host, give the job the secret",
    )
  if (scheme === "file" && !statSync(rest, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(`--${flag}: there is no such file`, "name a file that is there")
}
