import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"

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
      return readFile(rest)
    case "cmd":
      return new Promise((resolve, reject) => {
        execFile("sh", ["-c", rest], { encoding: "buffer" }, (error, stdout) => {
          // The command may have the secret in it, and the error has the command.
          if (error) reject(new Error(`a command for a secret failed with exit code ${error.code}`))
          else resolve(stdout)
        })
      })
    default:
      throw new Error(
        `secrets from ${scheme ?? "this place"} need the Dagger engine (--engine dagger); the embedded one knows env, file and cmd`,
      )
  }
}
