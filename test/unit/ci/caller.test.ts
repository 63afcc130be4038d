import { expect, test } from "vitest"
import { commandLine, shellLine } from "../../../ci/src/caller.ts"

test("a function that nobody says more to is one of `dagger call`", () => {
  expect(
    commandLine("test", {
      python: "3.13",
      args: ["tests/test_a.py::test_b", "-k", "a, b"],
      allowNoTests: true,
      netrc: undefined,
      debug: false,
    }),
  ).toBe(
    `dagger call test --source=. --python=3.13 --args='tests/test_a.py::test_b,-k,"a, b"' --allow-no-tests`,
  )
})

test("words come out of a shell as they were", () => {
  expect(shellLine(["a", "it's", "$HOME", "", "a\nb", "x[1]"])).toBe(
    `a 'it'\\''s' '$HOME' '' 'a\nb' 'x[1]'`,
  )
})
