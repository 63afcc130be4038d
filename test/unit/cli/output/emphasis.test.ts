import { expect, test } from "vitest"
import { badNews, goodNews } from "../../../../cli/output/emphasis.ts"

const visible = (text: string) =>
  text
    .replaceAll("\x1b[0m", "</>")
    .replaceAll("\x1b[1;31m", "<red>")
    .replaceAll("\x1b[1;32m", "<green>")
    .replaceAll("\x1b[36m", "<cyan>")

test("a verdict is green, other results stay as they are", () => {
  expect(visible(goodNews("pytest on Python 3.13\n42 passed in 3.1 s (deps cached)\n"))).toBe(
    "pytest on Python 3.13\n<green>42 passed in 3.1 s (deps cached)</>\n",
  )
  expect(goodNews('{"passed": 1}\n')).toBe('{"passed": 1}\n')
})

test("an error is red, and what to do stands out", () => {
  const text = "error[X]: what\n  words\nfix: this\n1 passed, 1 failed in 2 min 05 s"
  expect(visible(badNews(text))).toBe(
    "<red>error[X]:</> what\n  words\n<cyan>fix:</> this\n<red>1 passed, 1 failed in 2 min 05 s</>",
  )
})
