import type { Container } from "@dagger.io/dagger"
import { notice, shellLine } from "../caller.ts"
import { noShell } from "../errors.ts"
import type { Checked } from "./check.ts"
import { isExecFailure } from "./failure.ts"
import type { Version } from "./matrix.ts"
import { selectionOf } from "./reproduce.ts"
import { failedStep, type Step } from "./step.ts"
import type { Suite } from "./suite.ts"

/** The better of the shells that are there. */
const SHELL = ["sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"]

/**
 * Does work, and where it is red or fails opens a shell in the container that made it so, before it says what it has to
 * say anyway.
 */
export async function withShell(wanted: boolean, work: () => Promise<Suite>): Promise<Suite> {
  if (!wanted) return work()
  try {
    const suite = await work()
    await shellIn(suite.versions.find(({ run }) => run.verdict !== "passed"))
    return suite
  } catch (error) {
    await shellBefore(await stepBehind(error))
    throw error
  }
}

/** The same for one of the checks: in the container in which its program ran. */
export async function checkWithShell<T extends Checked>(
  wanted: boolean,
  work: () => Promise<T>,
): Promise<T> {
  if (!wanted) return work()
  try {
    const checked = await work()
    const { outcome } = checked.result
    if (outcome === "failed" || outcome === "errored") await shellBefore(checked.ran)
    return checked
  } catch (error) {
    await shellBefore(await stepBehind(error))
    throw error
  }
}

async function shellIn(version: Version | undefined): Promise<void> {
  if (version === undefined) return
  const { run, plan, container, error, killed } = version
  const failed = await stepBehind(error ?? { cause: killed })
  if (failed !== undefined || container === undefined || plan === undefined)
    return shellBefore(failed)
  const { kind, args, directory } = plan.runner
  const words = kind === "django" ? ["manage.py", "test"] : ["-m", kind]
  const command = shellLine(["python", ...words, ...args, ...selectionOf(run, kind)])
  await shell(container, [
    `a shell in the container of the tests (Python ${run.python}), as they left it`,
    `the tests run again with: ${directory === undefined ? "" : `cd ${shellLine([directory])}; `}${command}`,
  ])
}

async function shellBefore(failed: Step | undefined): Promise<void> {
  if (failed === undefined) return
  await shell(failed.before, [
    "a shell in the container of the step that failed, as it was before it",
    `the step runs again with: ${shellLine(failed.command)}`,
  ])
}

/** The failed step that an error was made of. */
const stepBehind = (error: unknown): Promise<Step | undefined> =>
  failedStep(
    !isExecFailure(error) && error instanceof Object && "cause" in error ? error.cause : error,
  )

async function shell(container: Container, about: readonly string[]): Promise<void> {
  for (const line of about) notice(line)
  notice("what is done in it is not kept; exit ends it")
  try {
    await container.terminal({ cmd: SHELL }).sync()
  } catch (error) {
    // The shell's own status is of no interest.
    if (!isExecFailure(error)) throw noShell(error instanceof Error ? error.message : String(error))
  }
}
