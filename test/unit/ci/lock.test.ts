import { describe, expect, test } from "vitest"
import type { Lock, LockedPackage } from "../../../ci/src/project/facts.ts"
import { layerOf, placesIn } from "../../../ci/src/project/lock.ts"
import { planOf, probedFixture, pythonHas } from "./fixtures.ts"

const able = pythonHas("tomllib", "packaging")

const entry = (name: string, places: Record<string, string>): LockedPackage => ({
  name,
  text: `${name}==1`,
  hashes: ["sha256:0"],
  in: places,
})
const lockOf = (...packages: LockedPackage[]): Lock => ({
  file: "poetry.lock",
  manager: "poetry",
  packages,
  locals: [],
  indexes: [],
})

test("only what is asked for is installed, each with its hashes", () => {
  const lock = lockOf(
    entry("a", { main: "" }),
    entry("b", { test: "" }),
    entry("c", { docs: "" }),
    entry("d", { "extra:async": "" }),
  )
  expect(placesIn(lock)).toEqual({ groups: ["docs", "test"], extras: ["async"] })
  expect(layerOf(lock, ["test"], [], [])).toEqual({
    kind: "locked",
    requirements: "a==1 --hash=sha256:0\nb==1 --hash=sha256:0\n",
    indexes: [],
    provided: [],
  })
  expect(layerOf(lock, [], ["async"], [])).toMatchObject({
    requirements: "a==1 --hash=sha256:0\nd==1 --hash=sha256:0\n",
  })
})

test("a package that one group wants under a marker and another always is always installed", () => {
  const both = lockOf(entry("a", { main: 'sys_platform == "win32"', test: "" }))
  expect(layerOf(both, ["test"], [], [])).toMatchObject({
    requirements: "a==1 --hash=sha256:0\n",
  })
  const markers = lockOf(
    entry("a", { main: 'sys_platform == "win32"', test: 'python_version < "3.11"' }),
  )
  expect(layerOf(markers, ["test"], [], [])).toMatchObject({
    requirements: 'a==1 ; (python_version < "3.11") or (sys_platform == "win32") --hash=sha256:0\n',
  })
})

describe.skipIf(!able)("locks of real tools (skipped where python3 lacks modules)", () => {
  test("Poetry 1 and 2 lock the same packages for the same groups", () => {
    const places = (name: string) =>
      probedFixture(name).facts.locks[0]?.packages.map(({ text, in: found }) => [
        text,
        Object.keys(found).sort(),
      ])
    expect(places("poetry_lock_old")).toEqual(places("poetry_lock"))
  })

  test("a bumped version of the project is the same layer", () => {
    const { dependencies } = planOf("poetry_lock")
    expect(JSON.stringify(dependencies)).not.toContain("demo")
  })
})
