import { appendFileSync, mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import path from "node:path"
import { $ } from "zx"

const root = path.resolve(import.meta.dirname, "../..")
const sh = $({ quiet: true, stdio: ["ignore", "pipe", "pipe"] })

const VERSIONS = ["3.11", "3.13"]
/** Each test takes so much of a CPU, whatever the version: what is measured is not how fast a Python is. */
const TESTS = 8
const SECONDS = 0.75

const SUITE = `import time
import unittest


class Spin(unittest.TestCase):
    pass


def spin(self):
    end = time.process_time() + ${SECONDS}
    while time.process_time() < end:
        pass


for number in range(${TESTS}):
    setattr(Spin, "test_%d" % number, spin)
`

const median = (list: number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN

/**
 * How well a matrix uses the machine: the time of the versions one after the other over that of all side by side times the
 * CPUs that they can use. 1 is a machine without a pause. In one interleaved run, after an edit each time.
 */
export async function matrix(work: string, rounds: number): Promise<void> {
  const cpus = Math.min(availableParallelism(), VERSIONS.length)
  const source = path.join(work, "matrix")
  mkdirSync(source)
  const edited = path.join(source, "test_spin.py")
  writeFileSync(edited, SUITE)

  const timed = async (python: string, round: number): Promise<number> => {
    appendFileSync(edited, `# ${python} ${round} ${Date.now()}\n`)
    const start = performance.now()
    await sh({
      cwd: root,
    })`./pyline --engine embedded test --source ${source} --python ${python}`
    return (performance.now() - start) / 1000
  }
  const runs = [...VERSIONS, VERSIONS.join(",")]
  const times = runs.map((): number[] => [])
  const ratios: number[] = []
  for (let round = -1; round < rounds; round++) {
    const took: number[] = []
    for (const python of runs) took.push(await timed(python, round))
    // The first round only warms up.
    if (round < 0) continue
    for (const [index, seconds] of took.entries()) times[index]?.push(seconds)
    const together = took.at(-1) ?? Number.NaN
    ratios.push(took.slice(0, -1).reduce((sum, seconds) => sum + seconds, 0) / (together * cpus))
  }
  console.log(
    `\n${TESTS} tests of ${SECONDS} s on ${VERSIONS.length} versions of Python, ${cpus} CPUs`,
  )
  for (const [index, python] of runs.entries())
    console.log(`  ${python.padEnd(14)} median ${median(times[index] ?? []).toFixed(2)} s`)
  console.log(
    `  efficiency     median ${median(ratios).toFixed(2)}   (single times over matrix time times CPUs; ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")})`,
  )
}
