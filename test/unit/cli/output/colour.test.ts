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
  [pipe, { GITHUB_ACTIONS: "true" }, true],
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
