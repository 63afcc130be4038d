import { expect, test } from "vitest"
import { StepLog, Steps } from "../../../../cli/output/steps.ts"
import { step } from "./events.ts"

test("what a program says to the function that runs it is for no person", () => {
  const log = new StepLog()
  expect(log.push(1, 'looking\npyline-check: {"schema": 1}\ndone\n')).toEqual(["looking", "done"])
  log.push(1, "pyline-check: {}")
  expect(log.flush()).toEqual([])
  expect(log.all()).toEqual(["looking", "done"])
})

test("lines of two streams are put together apart", () => {
  const log = new StepLog()
  expect(log.push(1, "a")).toEqual([])
  expect(log.push(2, "err")).toEqual([])
  expect(log.push(1, "b\nc")).toEqual(["ab"])
  expect(log.tail(5)).toEqual(["ab", "c", "err"])
  expect(log.flush()).toEqual(["c", "err"])
  expect(log.flush()).toEqual([])
  expect(log.all()).toEqual(["ab", "c", "err"])
})

test("a long log keeps its end and says what is missing", () => {
  const log = new StepLog()
  for (let i = 0; i < 20_000; i++) log.push(1, `${i} ${"x".repeat(100)}\n`)
  const [first, ...rest] = log.all()
  expect(first).toMatch(/^… 1\d{4} earlier lines are left out$/)
  expect(rest.join("\n").length).toBeLessThan(600 * 1024)
  expect(rest.at(-1)).toMatch(/^19999 /)
})

test("a step that ran is not turned into a cached one by a later query", () => {
  const steps = new Steps()
  steps.apply(step("exec pytest", "running"))
  steps.apply(step("exec pytest", "done"))
  expect(steps.apply(step("exec pytest", "cached")).status).toBe("done")
})

test("a step that is cached although it was begun is cached", () => {
  const steps = new Steps()
  steps.apply(step("exec a", "running"))
  expect(steps.apply(step("exec a", "cached")).status).toBe("cached")
  steps.apply(step("exec a", "running"))
  steps.apply(step("exec b", "running"))
  steps.get("exec b")?.log.push(1, "…\n")
  expect(steps.settle("good").map(({ name, status }) => `${name} ${status}`)).toEqual([
    "exec b canceled",
  ])
  expect(steps.get("exec a")?.status).toBe("cached")
})
