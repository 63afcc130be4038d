import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import { refuseGaps } from "../../../ci/src/pipeline/merge.ts"
import { noCounts, type Run } from "../../../ci/src/pipeline/result.ts"
import { nameOf, parseShard, refuseShard } from "../../../ci/src/pipeline/shard.ts"
import { probeDirectory } from "./fixtures.ts"

test("a part is written as 2/5", () => {
  expect(parseShard(undefined)).toBeUndefined()
  expect(parseShard("2/5")).toEqual({ index: 2, count: 5 })
  expect(parseShard("1/1")).toEqual({ index: 1, count: 1 })
  for (const wrong of ["0/5", "6/5", "2", "2/", "/5", "-1/5", "1/5/6", "a/b", "1/1000", "2/5 "]) {
    expect(() => parseShard(wrong), wrong).toThrow(`error[USAGE]: --shard ${wrong}: not a part`)
  }
})

test("sessions of tox and nox cannot be split", () => {
  expect(() => refuseShard({ index: 1, count: 2 }, "tox")).toThrow("error[USAGE]: --shard 1/2: tox")
  expect(() => refuseShard({ index: 1, count: 2 }, "django")).not.toThrow()
  expect(() => refuseShard(undefined, "nox")).not.toThrow()
})

// Whole suites at random: names, durations that are partly known, numbers of parts.
const PROPERTIES = `
import json, random, sys
sys.path.insert(0, sys.argv[1])
from pyline_suite.shard import assign
out = []
for seed in range(400):
    random.seed(seed)
    tests = []
    for file in range(random.randint(1, 12)):
        for n in range(random.choice([1, 1, 3, 20])):
            tests.append(random.choice(["tests/test_%d.py::test_%d[a::b]", "pkg.test_%d.T.test_%d"]) % (file, n))
    durations = {test: random.choice([0, 0.001, 0.1, 1, 30]) * random.random() for test in tests if random.random() < 0.7}
    count = random.randint(1, 9)
    parts = assign(tests, durations, count)
    shuffled = random.sample(tests, len(tests))
    loads = [sum(durations.get(t, 0) for t in set(tests) if parts[t] == p + 1) for p in range(count)]
    out.append({
        "all": set(parts) == set(tests),
        "within": all(1 <= part <= count for part in parts.values()),
        "same": assign(shuffled, durations, count) == parts,
    })
even = assign(["t/test_%d.py::test" % n for n in range(100)], {}, 4)
timed = {"t/test_%d.py::test_%d" % (f, n): (f + 1) * 1.0 for f in range(8) for n in range(5)}
parts = assign(list(timed), timed, 3)
loads = [sum(timed[t] for t in timed if parts[t] == p) for p in (1, 2, 3)]
one = assign(["t/test_a.py::test_%d" % n for n in range(10)], {}, 5)
print(json.dumps({"out": out, "even": [list(even.values()).count(p) for p in (1, 2, 3, 4)], "loads": loads,
                  "one": sorted(list(one.values()).count(p) for p in range(1, 6))}))
`

test("each test is in one part, whatever the order of the suite, and parts take equally long", () => {
  const text = execFileSync("python3", ["-B", "-c", PROPERTIES, probeDirectory], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  })
  const { out, even, loads, one } = JSON.parse(text)
  expect(out).toHaveLength(400)
  for (const properties of out) expect(properties).toEqual({ all: true, within: true, same: true })
  expect(even).toEqual([25, 25, 25, 25])
  // 180 seconds in three parts.
  for (const load of loads) expect(Math.abs(load - 60)).toBeLessThan(6)
  // One file alone is spread all the same.
  expect(one).toEqual([2, 2, 2, 2, 2])
})

const part = (index: number, count: number, tests: number, of: number, python = "3.13") => {
  const shard = { index, count, tests, of }
  const run: Run = {
    name: nameOf(python, shard),
    python,
    verdict: "passed",
    counts: noCounts(),
    seconds: 1,
    failures: [],
    tail: [],
    shard,
  }
  return { run, path: `${index}/result.json` }
}

const gap = (...runs: ReturnType<typeof part>[]): string => {
  try {
    refuseGaps(runs)
    return ""
  } catch (error) {
    return (error as Error).message
  }
}

test("reports make one result only where they are all parts of one suite", () => {
  expect(gap(part(1, 2, 3, 5), part(2, 2, 2, 5), part(1, 1, 4, 4, "3.11"))).toBe("")
  expect(gap(part(1, 3, 3, 5), part(3, 3, 2, 5))).toMatchInlineSnapshot(`
    "error[RUNS_INCOMPLETE]: the suite on Python 3.13 was split into 3, and 2/3 is missing
    fix: collect the reports of one run of each part: pyline reports --shard 1/5 -o pyline-reports/1, and so on
    docs: docs/matrix.md"
  `)
  expect(gap(part(1, 2, 3, 5), part(2, 2, 1, 5))).toMatchInlineSnapshot(`
    "error[RUNS_INCOMPLETE]: the parts on Python 3.13 are not of the same tests
      1/2: 3 of 5 tests
      2/2: 1 of 5 tests
    fix: collect the reports of one run of each part: pyline reports --shard 1/5 -o pyline-reports/1, and so on
    docs: docs/matrix.md"
  `)
  expect(gap(part(1, 2, 3, 5), part(2, 2, 2, 6))).toContain("not of the same tests")
  expect(gap(part(1, 2, 3, 5), part(2, 3, 2, 5))).toContain("split in different ways")
  expect(gap(part(1, 1, 3, 3), { ...part(1, 1, 3, 3), path: "again/result.json" })).toContain(
    "1/result.json and again/result.json are both of python-3.13-shard-1-of-1",
  )
  // One that was killed does not know how many tests there are; it is red, which says more.
  expect(gap(part(1, 2, 0, 0), part(2, 2, 2, 5))).toBe("")
})
