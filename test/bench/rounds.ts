/** One that does the same work as the others. */
export interface Contestant {
  name: string
  source: string
  run(source: string): Promise<void>
}

export const median = (list: number[]): number => {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

async function timed(contestant: Contestant): Promise<number> {
  const start = process.hrtime.bigint()
  await contestant.run(contestant.source)
  return Number(process.hrtime.bigint() - start) / 1e9
}

/** Round-robin, so that a busy moment of the machine falls on all of them. */
export async function interleaved(
  contestants: Contestant[],
  rounds: number,
  prepare: (c: Contestant, round: number) => Promise<void> | void,
): Promise<number[][]> {
  const times = contestants.map((): number[] => [])
  for (let round = -1; round < rounds; round++) {
    for (const [i, c] of contestants.entries()) {
      await prepare(c, round)
      const seconds = await timed(c)
      // The first round only warms up.
      if (round >= 0) times[i]?.push(seconds)
    }
  }
  return times
}

export function report(title: string, contestants: Contestant[], times: number[][]): void {
  console.log(`\n${title}`)
  const mine = times.at(-1) ?? []
  for (const [i, c] of contestants.entries()) {
    const own = times[i] ?? []
    const ratio = median(mine.map((t, round) => t / (own[round] ?? Number.NaN)))
    const against =
      i === contestants.length - 1 ? "" : `   pyline takes ${ratio.toFixed(2)} times as long`
    console.log(
      `  ${c.name.padEnd(14)} median ${median(own).toFixed(3)} s   least ${Math.min(...own).toFixed(3)} s${against}`,
    )
  }
}
