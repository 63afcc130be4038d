import { expect, test } from "vitest"
import { isLive, wantsColour } from "../../../../cli/output/colour.ts"

const terminal = { isTTY: true }
const pipe = { isTTY: false }

test.each([
  [terminal, {}, true],
  [pipe, {}, false],
  [terminal, { NO_COLOR: "1" }, false],
  [terminal, { NO_COLOR: "" }, true],
  [pipe, { FORCE_COLOR: "1" }, true],
  [terminal, { FORCE_COLOR: "0" }, false],
  [pipe, { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
  [terminal, { TERM: "dumb" }, false],
  [pipe, { GITHUB_ACTIONS: "true" }, false],
])("colours: %o with %o", (stream, env, expected) => {
  expect(wantsColour(stream, env)).toBe(expected)
})

test.each([
  [terminal, {}, true],
  [pipe, {}, false],
  [terminal, { CI: "true" }, false],
  [terminal, { CI: "false" }, true],
  [terminal, { TERM: "dumb" }, false],
])("live view: %o with %o", (stream, env, expected) => {
  expect(isLive(stream, env)).toBe(expected)
})

test("log pages show colours, scripts that catch a result do not want them", () => {
  expect(wantsColour(pipe, { GITHUB_ACTIONS: "true" }, true)).toBe(true)
  expect(wantsColour(pipe, { GITLAB_CI: "true", NO_COLOR: "1" }, true)).toBe(false)
  expect(wantsColour(pipe, {}, true)).toBe(false)
})
