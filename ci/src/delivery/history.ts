import type { Directory } from "@dagger.io/dagger"
import type { Plan } from "../project/plan.ts"
import { accessOf, type Credentials } from "./access.ts"
import { environmentNamed } from "./environments.ts"
import { deliver } from "./program.ts"
import type { LedgerRecord } from "./records.ts"

/** The last records of an environment, newest first. Its target is not asked anything. */
export async function historyOf(
  plan: Plan,
  source: Directory,
  name: string,
  most: number,
  credentials: Credentials,
): Promise<LedgerRecord[]> {
  const environment = environmentNamed(plan, name)
  const request = { environment, most }
  const { records } = await deliver<{ records: LedgerRecord[] }>("history", request, source, [
    await accessOf(credentials),
  ])
  return records
}
