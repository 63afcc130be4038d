import { describe, expect, test } from "vitest"
import { machine, project } from "./host.ts"
import { circleci, travis } from "./steps.ts"

describe("Travis CI", () => {
  test("a green project", async () => {
    const { at } = await project("travis")
    const { said, passed } = await travis(at, "check", await machine())
    expect(said).toContain("18 passed")
    expect(passed).toBe(true)
  })

  test("a red project", async () => {
    const { at } = await project("travis", { red: true })
    const { said, passed } = await travis(at, "check", await machine())
    expect(said).toContain("tests/test_word.py:2 test_word AssertionError")
    expect(passed).toBe(false)
  })
})

describe("CircleCI", () => {
  const stored = ["store_test_results pyline-reports/junit", "store_artifacts pyline-reports"]

  test("a green project: test results and reports are stored", async () => {
    const { at } = await project("circleci")
    const ran = await circleci(at, "ci", await machine())
    expect(ran.said).toContain("18 passed")
    expect(ran).toMatchObject({ passed: true, stored })
  })

  test("a red project: red, and they are stored all the same", async () => {
    const { at } = await project("circleci", { red: true })
    const ran = await circleci(at, "ci", await machine())
    expect(ran.said).toContain("tests/test_word.py:2 test_word AssertionError")
    expect(ran).toMatchObject({ passed: false, stored })
  })
})
