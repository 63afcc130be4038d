import { randomUUID } from "node:crypto"
import { type Directory, ReturnType, type Secret } from "@dagger.io/dagger"
import { acceptanceErrored } from "../errors.ts"
import { isExecFailure } from "../pipeline/failure.ts"
import { installed } from "../pipeline/install.ts"
import { patiently } from "../pipeline/retry.ts"
import { inProject } from "../pipeline/tests.ts"
import type { Plan } from "../project/plan.ts"
import type { Placed } from "./environments.ts"
import { plain } from "./plain.ts"

const LAST = 30

interface Acceptance {
  environment: Placed
  command: string[]
  /** What runs there. */
  digest: string
  indexCredentials: Secret | undefined
}

/**
 * Runs the project's own tests of an environment in its test environment. They find it by PYLINE_URL, PYLINE_ENVIRONMENT
 * and PYLINE_DIGEST.
 *
 * @throws ACCEPTANCE_ERRORED where they cannot be started, or were killed: that is no verdict
 */
export async function accept(
  plan: Plan,
  source: Directory,
  { environment, command, digest, indexCredentials }: Acceptance,
): Promise<{ exitCode: number; log: string[] }> {
  const project = inProject(plan, source, await installed(plan, source, indexCredentials))
  const told = {
    PYLINE_ENVIRONMENT: environment.name,
    PYLINE_DIGEST: digest,
    PYLINE_URL: environment.url ?? "",
    // What runs elsewhere is no input that an engine could see change.
    PYLINE_REQUEST: randomUUID(),
  }
  const ready = Object.entries(told).reduce(
    (container, [name, value]) => container.withEnvVariable(name, value),
    project,
  )
  const done = ready.withExec(command, { expect: ReturnType.Any })
  try {
    const exitCode = await patiently(() => done.exitCode())
    const [stdout, stderr] = await Promise.all([done.stdout(), done.stderr()])
    const log = lastLines(`${stdout}\n${stderr}`)
    // By a shell's convention: not to be started, not there, ended by a signal.
    if (exitCode >= 126) throw acceptanceErrored(environment.name, command, exitCode, log)
    return { exitCode, log }
  } catch (error) {
    if (!isExecFailure(error) || error.cmd?.join("\n") !== command.join("\n")) throw error
    const log = lastLines(`${error.stdout}\n${error.stderr}`)
    throw acceptanceErrored(environment.name, command, error.exitCode, log)
  }
}

const lastLines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => plain(line.trimEnd()))
    .filter((line) => line !== "")
    .slice(-LAST)
