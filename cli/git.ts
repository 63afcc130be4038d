import { execFileSync } from "node:child_process"

/**
 * What git says of a folder; nothing where there is no git, no repository, or no answer. A repository's own settings
 * can name programs that git starts: they are not started.
 */
export function git(folder: string, ...args: string[]): string | undefined {
  const harmless = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
  try {
    return execFileSync("git", [...harmless, "-C", folder, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5_000,
    }).trim()
  } catch {
    return undefined
  }
}
