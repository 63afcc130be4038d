import { expect, test } from "vitest"
import { cacheNote, withNote } from "../../../../cli/output/note.ts"
import { Steps } from "../../../../cli/output/steps.ts"
import { step } from "./events.ts"

const note = (...all: ReturnType<typeof step>[]) => {
  const steps = new Steps()
  for (const event of all) steps.apply(event)
  return cacheNote(steps)
}

test("says what did not have to run", () => {
  expect(note()).toBe("cached")
  expect(note(step("exec uv sync", "cached"), step("exec pytest", "cached"))).toBe("cached")
  expect(note(step("exec uv sync", "cached"), step("exec pytest", "done"))).toBe("deps cached")
  expect(note(step("exec uv sync", "done"), step("exec pytest", "done"))).toBeUndefined()
  expect(note(step("exec probe", "cached"), step("exec pytest", "done"))).toBeUndefined()
})

test("stands behind a verdict only", () => {
  expect(withNote("log\n42 passed in 3.1 s", "cached")).toBe("log\n42 passed in 3.1 s (cached)")
  expect(withNote("42 passed in 2 min 05 s\n", "cached")).toBe("42 passed in 2 min 05 s (cached)")
  expect(withNote('{"a": 1}', "cached")).toBe('{"a": 1}')
  expect(withNote("42 passed in 3.1 s", undefined)).toBe("42 passed in 3.1 s")
})
