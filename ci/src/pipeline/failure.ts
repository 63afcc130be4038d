import {
  collectstaticFailed,
  coverageErrored,
  indexRefused,
  installFailed,
  internal,
  lockStale,
  networkFailed,
  PylineError,
  serviceFailed,
  stepKilled,
} from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import { missingLibrary } from "../project/systemPackages.ts"
import { readTrouble } from "./trouble.ts"

/** How an engine begins the message of a service that did not start. */
const SERVICE = /^start \S+ \(aliased as (\S+)\): /

/** A failed exec. A module cannot import the SDK's class, so its shape has to do. */
interface ExecFailure {
  name: "ExecError"
  message: string
  exitCode: number
  cmd: string[]
  stdout: string
  stderr: string
  /** How often it was tried, where that was more than once. */
  attempts?: number
}

export const isExecFailure = (error: unknown): error is ExecFailure =>
  error instanceof Error && error.name === "ExecError" && "exitCode" in error

/** What a failed step of the pipeline means to the user; its `cause` is that failure. Anything else is given back as it is. */
export function explain(error: unknown, plan: Plan | undefined): unknown {
  if (error instanceof PylineError || !isExecFailure(error)) return error
  return Object.assign(meaningOf(error, plan), { cause: error })
}

function meaningOf(error: ExecFailure, plan: Plan | undefined): PylineError {
  const command = (error.cmd ?? []).join(" ")
  const log = lastLines(error.stderr || error.stdout)
  const service = SERVICE.exec(error.message)?.[1]
  if (service !== undefined) {
    const unhealthy = error.message.includes("health check errored")
    const both = lastLines(`${error.stdout}\n${error.stderr}`)
    return serviceFailed(service, { exitCode: error.exitCode, unhealthy, command }, both)
  }
  if (error.exitCode === 137 || error.exitCode === 9) {
    return stepKilled(
      command.includes("run_tests.py")
        ? "the run of the tests"
        : `the step (${shortened(command)})`,
      log.at(-1),
    )
  }
  if (/lockfile at .+ needs to be updated/.test(error.stderr)) {
    return lockStale("uv.lock", "pyproject.toml", "uv lock")
  }
  if (command.endsWith("collectstatic --noinput")) return collectstaticFailed(command, log)
  if (command.includes("combine_coverage.py")) return coverageErrored(log)
  if (command.endsWith("/pyright --version"))
    return networkFailed(
      "pyright",
      "its program for Node could not be had",
      error.attempts ?? 1,
      log,
    )
  const what = subject(command, plan)
  if (/^the sdist cannot be unpacked: /m.test(error.stderr) && command.includes("make_dist.py"))
    return installFailed("BUILD_FAILED", what, log, "leave what is named there out of the sdist")
  const trouble = readTrouble(error.stderr)
  switch (trouble?.kind) {
    case "refused":
      return indexRefused(what, log, plan?.indexes ?? [])
    case "network":
      return networkFailed(what, trouble.what, error.attempts ?? 1, log)
    case "hash":
      return installFailed(
        "HASH_MISMATCH",
        what,
        log,
        "lock it again if the file was meant to change; else find out who changed what the index serves",
      )
    case "resolution":
      return installFailed("RESOLUTION_FAILED", what, log)
    case "build": {
      const lacking = /^the sdist lacks (.+)$/m.exec(error.stderr)?.[1]
      if (lacking !== undefined) return installFailed("BUILD_FAILED", what, log, intoSdist(lacking))
      const missing = missingLibrary(`${error.stderr}\n${error.stdout}`)
      if (missing === undefined) return installFailed("BUILD_FAILED", what, log)
      const names = missing.packages.map((name) => JSON.stringify(name)).join(", ")
      const fix = `install what it misses: [tool.pyline] apt = [${names}]`
      const shown = log.includes(missing.line) ? log : [missing.line, "…", ...log]
      return installFailed("BUILD_FAILED", what, shown, fix)
    }
  }
  if (/\b(sync|install|apt\.sh)\b/.test(command)) {
    return installFailed("INSTALL_FAILED", what, log)
  }
  return internal(`a step failed with exit status ${error.exitCode}: ${shortened(command)}`, log)
}

/** The last lines of tests that were killed together with the program that ran them; undefined for any other error. */
export function lastOfKilledTests(error: unknown): string[] | undefined {
  if (!isExecFailure(error) || (error.exitCode !== 137 && error.exitCode !== 9)) return undefined
  if (!error.cmd?.join(" ").includes("run_tests.py")) return undefined
  return lastLines(error.stderr || error.stdout)
}

/** What a command was installing, in words. */
function subject(command: string, plan: Plan | undefined): string {
  if (plan === undefined) return "Pyline's toolbox"
  if (/\bapt\.sh\b| - install /.test(command))
    return `the system packages ${plan.systemPackages.join(", ")}`
  return plan.name ?? "the project"
}

const shortened = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text)

const lastLines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-15)

const intoSdist = (path: string): string =>
  `take ${path} into the sdist: a line in MANIFEST.in for setuptools, else the include setting of the build backend`
