import type { Directory } from "@dagger.io/dagger"
import { imageName } from "../project/imageName.ts"
import type { Plan } from "../project/plan.ts"
import { accessOf, type Credentials } from "./access.ts"
import { environmentNamed, environmentsOf, refuseShortcut } from "./environments.ts"
import { deliver, type Holder } from "./program.ts"
import type { Brought } from "./records.ts"

/** How an environment is changed. */
export interface ChangeOptions extends Credentials, Holder {
  /** After a rollback: deploy again. */
  endHold?: boolean | undefined
  /** Bring also what the validation of the environment said no to before. */
  again?: boolean | undefined
  /** Take the lock from who has it. */
  breakLock?: boolean | undefined
}

export interface DeployOptions extends ChangeOptions {
  /** The image was not promoted, though the environment is not the first one. */
  skipPromotion?: boolean | undefined
}

/** Brings an image to an environment: beside what runs there, and then in place of it. */
export async function deploy(
  plan: Plan,
  source: Directory,
  environment: string,
  image: string,
  options: DeployOptions,
): Promise<Brought> {
  const { name, tag, digest } = imageName(image)
  const to = environmentNamed(plan, environment, name)
  if (options.skipPromotion !== true) refuseShortcut(plan, environment)
  const isFirst = environmentsOf(plan)[0]?.name === environment
  const reference = digest === undefined ? `${name}:${tag ?? "latest"}` : `${name}@${digest}`
  return deliver<Brought>(
    "deploy",
    {
      environment: to,
      image: reference,
      ...changeOf(options),
      ...(isFirst ? {} : { unverified: true }),
    },
    source,
    [await accessOf(options)],
  )
}

/** What all that changes an environment is told. */
export const changeOf = ({ by, run, endHold, again, breakLock }: ChangeOptions) => ({
  holder: { by, run },
  endHold: endHold === true,
  again: again === true,
  breakLock: breakLock === true,
})
