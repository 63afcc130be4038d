import { expect, test } from "vitest"
import { noCounts } from "../../../ci/src/pipeline/result.ts"
import { titleOf } from "../../../ci/src/pipeline/title.ts"
import { check, red, run } from "./runs.ts"

test("what is green", () => {
  expect(titleOf([run("3.13")], [])).toBe("All 3 tests passed")
  expect(titleOf([run("3.13", { counts: { ...noCounts(), passed: 1 } })], [])).toBe("1 test passed")
  expect(titleOf([run("3.11"), run("3.13")], [check("lint"), check("types")])).toBe(
    "All 3 tests passed and 2 checks passed",
  )
  expect(titleOf([], [check("lint"), check("types", { outcome: "skipped" })])).toBe("Lint passed")
  expect(titleOf([run("3.13", { counts: noCounts() })], [])).toBe("Nothing failed")
})

test("red tests are counted once, with the versions where not all are red", () => {
  expect(titleOf([red("3.13", "test_b")], [])).toBe("1 of 3 tests failed")
  expect(titleOf([red("3.11", "test_b", "test_c"), red("3.13", "test_c")], [])).toBe(
    "2 of 4 tests failed",
  )
  expect(titleOf([run("3.11"), red("3.12", "test_c"), red("3.13", "test_c")], [])).toBe(
    "1 of 3 tests failed on Python 3.12 and 3.13",
  )
  const many = { ...noCounts(), passed: 9000, failed: 1500 }
  expect(titleOf([{ ...red("3.13", "test_c"), counts: many }], [])).toBe(
    "1,500 of 10,500 tests failed",
  )
})

test("checks that are red and checks that say nothing are told apart", () => {
  const checks = [
    check("lint", { outcome: "failed" }),
    check("types", { outcome: "errored" }),
    check("lock"),
  ]
  expect(titleOf([red("3.13", "test_b")], checks)).toBe(
    "1 of 3 tests failed, lint failed and types could not run",
  )
  const all = ["a", "b", "c", "d", "e", "f"].map((name) => check(name, { outcome: "failed" }))
  expect(titleOf([], all)).toBe("A, b, c, d and 2 more failed")
})

test("tests without a verdict of their own", () => {
  expect(titleOf([run("3.13", { verdict: "killed" })], [])).toBe("The tests were killed")
  expect(titleOf([run("3.11"), run("3.13", { verdict: "no-tests" })], [])).toBe(
    "The tests found nothing to run on Python 3.13",
  )
  expect(titleOf([run("3.11", { verdict: "errored" }), red("3.13", "test_b")], [])).toBe(
    "The tests could not be run on Python 3.11 and 1 of 3 tests failed on Python 3.13",
  )
})
