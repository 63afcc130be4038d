import { usage } from "../errors.ts"
import type { RunnerKind } from "../project/plan.ts"

/** A part of a suite: the second of five. */
export interface Shard {
  index: number
  count: number
}

const MOST = 999

/**
 * Reads `2/5`.
 *
 * @throws USAGE
 */
export function parseShard(text: string | undefined): Shard | undefined {
  if (text === undefined || text === "") return undefined
  const [, first, last] = /^(\d{1,3})\/(\d{1,3})$/.exec(text) ?? []
  const shard = { index: Number(first), count: Number(last) }
  if (first === undefined || shard.index < 1 || shard.index > shard.count || shard.count > MOST)
    throw usage(`--shard ${text}: not a part of a suite`, "use 1/5 to 5/5 for five parts")
  return shard
}

/** Only of these runners the single tests are known before they run. */
export function refuseShard(shard: Shard | undefined, runner: RunnerKind): void {
  if (shard === undefined || (runner !== "tox" && runner !== "nox")) return
  throw usage(
    `--shard ${shard.index}/${shard.count}: ${runner} runs sessions, which cannot be split`,
    'let Pyline run the tests itself: [tool.pyline] runner = "pytest"',
  )
}

/** Of a run's reports: `python-3.13`, `python-3.13-shard-2-of-5`. */
export const nameOf = (python: string, shard: Shard | undefined): string =>
  `python-${python}${shard === undefined ? "" : `-shard-${shard.index}-of-${shard.count}`}`
