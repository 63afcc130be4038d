import { execFileSync } from "node:child_process"
import { expect, test } from "vitest"
import { probeDirectory } from "../ci/fixtures.ts"

const app = "https://github.com/me/app/.github/workflows"
const main = `${app}/ci.yml@refs/heads/main`

/** Of pairs of a pattern and a name those that do not fit. */
function unfit(pairs: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const program = `
import json, sys
from signing.pattern import fits
json.dump([pair for pair in json.load(sys.stdin) if not fits(*pair)], sys.stdout)
`
  const env = { ...process.env, PYTHONPATH: probeDirectory }
  const input = JSON.stringify(pairs)
  const text = execFileSync("python3", ["-B", "-c", program], { encoding: "utf8", env, input })
  return JSON.parse(text)
}

test("an identity is itself, and * is any characters", () => {
  const fits = [
    [main, main],
    ["*", main],
    ["*", ""],
    ["https://github.com/me/*", main],
    [`${app}/*@refs/heads/main`, main],
    ["https://github.com/me/*/ci.yml@*", main],
    [`${app}/ci.yml@refs/heads/*`, `${app}/ci.yml@refs/heads/a@b`],
    ["*@example.com", "me@example.com"],
    ["a*b*b", "abbb"],
    ["a**b", "ab"],
  ] as const
  expect(unfit(fits)).toEqual([])
})

test("other names are not meant", () => {
  const others = [
    ["", main],
    [main.replaceAll(".", "?"), main],
    [main, `${main}s`],
    [main, main.toUpperCase()],
    [`${main}*`, main.slice(0, -1)],
    ["aba*aba", "ababa"],
    // Whoever may make a branch or a tag chooses its name.
    [`${app}/*@refs/heads/main`, `${app}/ci.yml@refs/heads/x@refs/heads/main`],
    [
      "https://github.com/me/*/.github/workflows/ci.yml@refs/heads/main",
      `${app}/x.yml@refs/heads/x/.github/workflows/ci.yml@refs/heads/main`,
    ],
    ["*@example.com", "me@other.test@example.com"],
    // What is printed of a name is the name.
    ["*", `${main}\r`],
    ["*", `\x1b[2J${main}`],
    ["https://*", "https://github.com/\u202eme"],
    ["https://github.com/me/*", "https://github.com/me/app\nhttps://github.com/you"],
  ] as const
  expect(unfit(others)).toEqual(others)
})

test("no name takes long", () => {
  const slow = ["a*a*a*a*a*a*a*a*b", "a".repeat(100_000)] as const
  expect(unfit([slow])).toEqual([slow])
})
