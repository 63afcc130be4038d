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
      // The words of Dagger, which shows no more of the name than this: it may be a value by mistake.
      if (value === undefined) {
        throw new Error(`secret env var not found: ${JSON.stringify(`${rest.slice(0, 3)}...`)}`)
      }
      return Buffer.from(value)
    }
    case "file":
      return readFile(rest)
    case "cmd":
      return new Promise((resolve, reject) => {
        execFile("sh", ["-c", rest], { encoding: "buffer" }, (error, stdout) => {
          // The command may have the secret in it, and the error has the command.
          if (error) reject(new Error(`the command of a secret failed: exit status ${error.code}`))
          else resolve(stdout)
        })
      })
    case undefined:
      throw new Error(
        "malformed id of a secret: it is not like env://NAME, file://path or cmd://command",
      )
    default:
      throw new Error(
        `unsupported secret provider: ${JSON.stringify(scheme)}; the embedded engine knows env, file and cmd, --engine dagger more`,
      )
  }
}
