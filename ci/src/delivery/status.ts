import type { Directory } from "@dagger.io/dagger"
import type { Plan } from "../project/plan.ts"
import { accessOf, type Credentials } from "./access.ts"
import { environmentNamed, environmentsOf } from "./environments.ts"
import { deliver } from "./program.ts"
import type { LedgerRecord, Running } from "./records.ts"

/** What runs in an environment, and what the ledger says of it. */
export interface Status {
  environment: string
  running: Running | null
  /** Why it is not known what runs. */
  unknown: string | null
  deployed: LedgerRecord | null
  verdict: LedgerRecord | null
  held: LedgerRecord | null
  working: LedgerRecord | null
  /** The last attempt to change it, where that did not go well. */
  trouble: LedgerRecord | null
  /** What runs is not what was deployed. */
  drift: boolean
}

/** The status of one environment, or of all. */
export async function statusOf(
  plan: Plan,
  source: Directory,
  name: string | undefined,
  credentials: Credentials,
): Promise<Status[]> {
  const access = [await accessOf(credentials)]
  const names = name === undefined ? environmentsOf(plan).map((each) => each.name) : [name]
  const environments = names.map((each) => environmentNamed(plan, each))
  return Promise.all(
    environments.map(async (environment) => {
      const {
        ok: _,
        schema: __,
        ...status
      } = await deliver<Status & { ok: true; schema: number }>(
        "status",
        { environment },
        source,
        access,
      )
      return status
    }),
  )
}
