import type { Directory } from "@dagger.io/dagger"
import { notice } from "../caller.ts"
import { environmentHeld, targetUnreachable } from "../errors.ts"
import { type PublishOptions, publish } from "../pipeline/publish.ts"
import type { Plan } from "../project/plan.ts"
import { deploy } from "./deploy.ts"
import { environmentNamed, environmentsOf } from "./environments.ts"
import { type PromoteOptions, promote } from "./promote.ts"
import { statusOf } from "./status.ts"
import { validate } from "./validate.ts"

export type ReleaseOptions = Omit<PublishOptions, "registry"> &
  PromoteOptions & {
    /** Where the image is published; the repository of the first environment where absent. */
    registry?: string | undefined
  }

/**
 * From the source to the last environment: checks, image, the first environment, validation there, and then the same digest
 * to each environment after it.
 *
 * @returns what runs where, in lines
 */
export async function release(
  plan: Plan,
  source: Directory,
  options: ReleaseOptions,
): Promise<string> {
  const [first, ...others] = environmentsOf(plan)
  if (first === undefined) throw new RangeError("no environment")
  const registry = options.registry ?? environmentNamed(plan, first.name).registry
  await refuseBefore(plan, source, options)
  const { sshKey, kubeconfig, token } = options
  const secrets = { "ssh-key": sshKey, kubeconfig, token }
  const image = await publish(plan, source, { ...options, registry, secrets })
  notice(`published ${image}`)
  const lines = [`published ${image}`]
  const brought = await deploy(plan, source, first.name, image, options)
  const { checks } = await validate(plan, source, first.name, options)
  lines.push(`${first.name} runs ${brought.image}, verified by ${counted(checks.length)}`)
  notice(lines.at(-1) ?? "")
  let before = first.name
  for (const { name, manual } of others) {
    if (manual) {
      lines.push(`${name} waits for a person: pyline promote ${before} ${name}`)
      break
    }
    const promoted = await promote(plan, source, before, name, options)
    lines.push(`${name} runs ${promoted.image}, promoted from ${before}`)
    notice(lines.at(-1) ?? "")
    before = name
  }
  return lines.join("\n")
}

const counted = (checks: number): string => `${checks} ${checks === 1 ? "check" : "checks"}`

/** What would stop it at the end should be known before an image is made. */
async function refuseBefore(plan: Plan, source: Directory, options: ReleaseOptions): Promise<void> {
  for (const { environment, unknown, held, deployed } of await statusOf(
    plan,
    source,
    undefined,
    options,
  )) {
    // Before the first deployment there may be nothing that could be asked.
    if (unknown !== null && deployed !== null) throw targetUnreachable(environment, unknown)
    if (held !== null && options.endHold !== true)
      throw environmentHeld(environment, held.digest ?? "", held.at)
  }
}
