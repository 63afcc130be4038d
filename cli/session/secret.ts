import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

/**
 * Looks up a secret for the engine when a step needs it: `env://NAME`, `file:///path`, `cmd://command`,
 * with the meaning that they have for `dagger call`.
 */
export async function resolveSecret(uri: string): Promise<Buffer> {
  const [, scheme, rest = ""] = /^([a-z+]+):\/\/(.*)$/s.exec(uri) ?? []
  switch (scheme) {
    case "env": {
      const value = process.env[rest]
      if (value === undefined) throw new Error(`the environment variable ${rest} is not set`)
      return Buffer.from(value)
    }
    case "file":
      return readFile(rest.startsWith("/") ? fileURLToPath(`file://${encodeURI(rest)}`) : rest)
    case "cmd": {
      const run = promisify(execFile)
      const { stdout } = await run("sh", ["-c", rest], { encoding: "buffer" })
      return stdout
    }
    default:
      throw new Error(
        `secrets from ${scheme ?? "this place"} need the Dagger engine (--engine dagger); the embedded one knows env, file and cmd`,
      )
  }
}
