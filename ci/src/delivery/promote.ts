import type { Directory } from "@dagger.io/dagger"
import { notice } from "../caller.ts"
import { PylineError, withMeaning } from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import { accessOf, type Credentials } from "./access.ts"
import { type ChangeOptions, changeOf } from "./deploy.ts"
import { canValidate, environmentNamed, refuseDownward } from "./environments.ts"
import { deliver } from "./program.ts"
import type { Brought } from "./records.ts"
import { type ValidateOptions, validate } from "./validate.ts"

export interface PromoteOptions extends ChangeOptions, ValidateOptions {
  /** What lets one in to the environment that is promoted from, where that is something else. */
  origin?: Credentials | undefined
}

/**
 * Brings what runs and is verified in one environment to another, the same bytes, and validates it there. Where that says
 * no, what ran there before runs again.
 */
export async function promote(
  plan: Plan,
  source: Directory,
  from: string,
  to: string,
  options: PromoteOptions,
): Promise<Brought> {
  const [origin, target] = [environmentNamed(plan, from), environmentNamed(plan, to)]
  refuseDownward(origin, target)
  const accesses = [await accessOf(options), await accessOf(options.origin ?? {}, "from-")]
  const brought = await deliver<Brought>(
    "promote",
    { environment: target, from: origin, ...changeOf(options) },
    source,
    accesses,
  )
  if (!canValidate(target)) {
    notice(`${to} is not validated: its settings have neither url nor validate-command`)
    return brought
  }
  try {
    await validate(plan, source, to, options)
  } catch (error) {
    throw await undone(plan, source, brought, options, error)
  }
  return brought
}

/** What a validation that did not go well means for the environment: no is a reason to go back, no answer is none. */
async function undone(
  plan: Plan,
  source: Directory,
  { environment, before, after, unchanged }: Brought,
  options: PromoteOptions,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof PylineError)) return error
  const runs = `${environment} runs ${after.digest}`
  if (error.code !== "VALIDATION_FAILED")
    return withMeaning(
      error,
      `${runs}, and nothing has verified it there: pyline validate ${environment}`,
    )
  if (before === null || unchanged)
    return withMeaning(error, `${runs} still: there is nothing to go back to`)
  try {
    await deliver<Brought>(
      "rollback",
      {
        environment: environmentNamed(plan, environment),
        ...changeOf({ ...options, breakLock: false }),
        to: before.digest,
        // Who deployed something else in the meantime is not undone.
        insteadOf: after.digest,
        hold: false,
        why: "its validation said no",
      },
      source,
      [await accessOf(options)],
    )
  } catch (again) {
    const why = again instanceof Error ? (again.message.split("\n", 1)[0] ?? "") : ""
    return withMeaning(error, `${runs} still: going back to ${before.digest} failed: ${why}`)
  }
  return withMeaning(error, `${environment} runs ${before.digest} again.`)
}
