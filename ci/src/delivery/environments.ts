import { environmentsMissing, environmentUnknown, promotionRefused, usage } from "../errors.ts"
import type { Environment } from "../project/environments.ts"
import { repositoryName } from "../project/imageName.ts"
import type { Plan } from "../project/plan.ts"

/** An environment with the repository that its images come from. */
export interface Placed extends Environment {
  registry: string
}

/**
 * All environments in the order of promotion.
 *
 * @throws ENVIRONMENT_UNKNOWN where there is none
 */
export function environmentsOf({ environments = [] }: Plan): Environment[] {
  if (environments.length === 0) throw environmentsMissing()
  return environments
}

/**
 * The environment of this name. One that names no repository shares that of the environment before it.
 *
 * @param registry the repository where no environment names one
 * @throws ENVIRONMENT_UNKNOWN; DELIVERY_REFUSED where no repository is known
 */
export function environmentNamed(plan: Plan, name: string, registry?: string): Placed {
  const all = environmentsOf(plan)
  const place = all.findIndex((each) => each.name === name)
  const found = all[place]
  if (found === undefined)
    throw environmentUnknown(
      name,
      all.map((each) => each.name),
    )
  const named = all
    .slice(0, place + 1)
    .reverse()
    .find((each) => each.registry !== undefined)?.registry
  const repository = named ?? registry
  if (repository === undefined)
    throw usage(
      `nothing says which repository the images of ${name} are in`,
      `say so: [tool.pyline.environments.${name}] registry = "ghcr.io/me/app"`,
    )
  return { ...found, registry: repositoryName(repository) }
}

/**
 * An image is deployed to the first environment only; to the others it is promoted.
 *
 * @throws PROMOTION_REFUSED
 */
export function refuseShortcut(plan: Plan, name: string): void {
  const all = environmentsOf(plan)
  const place = all.findIndex((each) => each.name === name)
  const before = all[place - 1]
  if (before !== undefined)
    throw promotionRefused(
      `images are not deployed to ${name}: what runs and is verified on ${before.name} is promoted to it`,
      `pyline promote ${before.name} ${name}; or --skip-promotion, which the ledger says then`,
    )
}

/**
 * Promotion goes up the order.
 *
 * @throws PROMOTION_REFUSED
 */
export function refuseDownward(from: Environment, to: Environment): void {
  if (from.order < to.order) return
  throw promotionRefused(
    from.name === to.name
      ? `${from.name} cannot be promoted to itself`
      : `${from.name} (order ${from.order}) does not come before ${to.name} (order ${to.order})`,
    from.name === to.name
      ? "name the environment that is promoted to"
      : `pyline promote ${to.name} ${from.name}`,
  )
}

/** Whether anything is known that what runs there could be validated with. */
export const canValidate = ({ url, digestUrl, validateCommand }: Environment): boolean =>
  url !== undefined || digestUrl !== undefined || validateCommand !== undefined
