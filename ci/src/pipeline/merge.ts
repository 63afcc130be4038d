import type { Directory } from "@dagger.io/dagger"
import { internal, runsIncomplete, usage } from "../errors.ts"
import { explain } from "./failure.ts"
import type { Version } from "./matrix.ts"
import { readPlan } from "./read.ts"
import { parseRuns, type Run } from "./result.ts"

/** Parts of one suite can be many, but not this many. */
const MOST = 2000

/**
 * Takes runs from report folders instead of making them: those of parts of a suite, or of versions, that other machines made.
 *
 * @param folder has a report folder in each of its folders, or is one
 * @throws where there is none, where two are of the same run, or where a part of a suite is missing
 */
export async function runsFrom(source: Directory, folder: Directory): Promise<Version[]> {
  const found = (await folder.glob("**/result.json")).sort()
  if (found.length === 0)
    throw usage(
      "--from has no result.json in it",
      "give the folder of what `pyline reports -o` wrote",
    )
  if (found.length > MOST) throw internal(`--from has ${found.length} reports in it`, [])
  const read = await Promise.all(
    found.map(async (path) => {
      const place = path.split("/").slice(0, -1).join("/")
      const reports = place === "" ? folder : folder.directory(place)
      const runs = parseRuns(await folder.file(path).contents())
      return runs.map((run) => ({ run, reports, path }))
    }),
  )
  const runs = read.flat()
  refuseGaps(runs)
  const pythons = [...new Set(runs.map(({ run }) => run.python))]
  const plans = await Promise.all(
    pythons.map((python) =>
      readPlan(source, python).catch((error: unknown) => {
        throw explain(error, undefined)
      }),
    ),
  )
  const order = (run: Run): number => pythonOrder(run.python) * 1000 + (run.shard?.index ?? 0)
  return runs
    .sort((a, b) => order(a.run) - order(b.run))
    .flatMap(({ run, reports }) => {
      const plan = plans[pythons.indexOf(run.python)]
      const error = run.error === undefined ? {} : { error: new Error(run.error.message) }
      return [{ run, reports, ...(plan === undefined ? {} : { plan }), ...error }]
    })
}

export const pythonOrder = (python: string): number => Number(python.split(".")[1] ?? 0)

/** Throws where runs are not all of one suite each. */
export function refuseGaps(runs: readonly { run: Run; path: string }[]): void {
  for (const { run, path } of runs) {
    const other = runs.find((one) => one.run.name === run.name && one.path !== path)
    if (other !== undefined)
      throw runsIncomplete(`${path} and ${other.path} are both of ${run.name}`, [])
  }
  const sharded = runs.filter(({ run }) => run.shard !== undefined)
  for (const python of new Set(sharded.map(({ run }) => run.python))) {
    const parts = sharded.filter(({ run }) => run.python === python)
    const shards = parts.flatMap(({ run }) => run.shard ?? [])
    const count = shards[0]?.count ?? 0
    const of = Math.max(...shards.map((shard) => shard.of))
    if (shards.some((shard) => shard.count !== count))
      throw runsIncomplete(`the suite on Python ${python} was split in different ways`, [])
    const missing = Array.from({ length: count }, (_, index) => index + 1).filter(
      (index) => !shards.some((shard) => shard.index === index),
    )
    if (missing.length > 0)
      throw runsIncomplete(
        `the suite on Python ${python} was split into ${count}, and ${missing.map((index) => `${index}/${count}`).join(", ")} is missing`,
        [],
      )
    // A part that did not come so far to know its tests says 0; it is red by itself.
    const known = shards.filter((shard) => shard.of > 0)
    const tests = known.reduce((total, shard) => total + shard.tests, 0)
    if (known.some((shard) => shard.of !== of) || (known.length === count && tests !== of))
      throw runsIncomplete(
        `the parts on Python ${python} are not of the same tests`,
        shards.map(({ index, tests, of }) => `  ${index}/${count}: ${tests} of ${of} tests`),
      )
  }
}
