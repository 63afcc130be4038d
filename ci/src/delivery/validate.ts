import type { Directory, Secret } from "@dagger.io/dagger"
import { usage, validationFailed } from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import { accept } from "./acceptance.ts"
import { accessOf, type Credentials } from "./access.ts"
import { canValidate, environmentNamed } from "./environments.ts"
import { deliver, type Holder } from "./program.ts"
import type { LedgerRecord, Running } from "./records.ts"

/** How an environment is validated. */
export interface ValidateOptions extends Credentials, Holder {
  indexCredentials?: Secret | undefined
}

/** What a validation found. */
export interface Validated {
  running: Running
  checks: string[]
}

/**
 * Asks what runs whether it is as it should be, by HTTP and by the project's own tests, and writes the verdict into the
 * ledger. It is of the digest that ran before and after.
 *
 * @throws VALIDATION_FAILED where the answer is no; anything else where there is none
 */
export async function validate(
  plan: Plan,
  source: Directory,
  name: string,
  options: ValidateOptions,
): Promise<Validated> {
  const environment = environmentNamed(plan, name)
  if (!canValidate(environment))
    throw usage(
      `nothing says how ${name} is validated`,
      `say where it answers, or which tests to run: [tool.pyline.environments.${name}] url = "https://…" or validate-command = "pytest acceptance"`,
    )
  const command = environment.validateCommand
  const { by, run, indexCredentials } = options
  const access = [await accessOf(options)]
  const request = { environment, holder: { by, run } }
  const asked = await deliver<Validated & { record: LedgerRecord | null }>(
    "validate",
    { ...request, acceptance: command !== undefined },
    source,
    access,
  )
  if (command === undefined) return asked
  const { digest } = asked.running
  const tests = await accept(plan, source, { environment, command, digest, indexCredentials })
  const said = `${command.join(" ")} ended with exit status ${tests.exitCode}`
  await deliver(
    "judge",
    tests.exitCode === 0
      ? { ...request, event: "verified", digest, checks: [...asked.checks, said] }
      : { ...request, event: "invalid", digest, checks: asked.checks, failures: [said] },
    source,
    access,
  )
  if (tests.exitCode !== 0) throw validationFailed(name, said, tests.log)
  return { running: asked.running, checks: [...asked.checks, said] }
}
