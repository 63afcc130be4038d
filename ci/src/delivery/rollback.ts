import type { Directory } from "@dagger.io/dagger"
import { usage } from "../errors.ts"
import type { Plan } from "../project/plan.ts"
import { accessOf } from "./access.ts"
import { type ChangeOptions, changeOf } from "./deploy.ts"
import { environmentNamed } from "./environments.ts"
import { deliver } from "./program.ts"
import type { Brought } from "./records.ts"

/** Goes back to the last verified digest, or to a given one that was deployed there, and holds the environment. */
export async function rollback(
  plan: Plan,
  source: Directory,
  name: string,
  { to, ...options }: ChangeOptions & { to?: string | undefined },
): Promise<Brought> {
  if (to !== undefined && !/^sha256:[0-9a-f]{64}$/.test(to))
    throw usage(`--to ${to}: not a digest`, `give one of those that pyline history ${name} lists`)
  return deliver<Brought>(
    "rollback",
    { environment: environmentNamed(plan, name), ...changeOf(options), to },
    source,
    [await accessOf(options)],
  )
}
