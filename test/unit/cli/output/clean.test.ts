import { expect, test } from "vitest"
import { clean } from "../../../../cli/output/clean.ts"

test.each([
  ["plain words\tand tabs", "plain words\tand tabs"],
  ["title \x1b]0;evil\x07 here", "title  here"],
  ["link \x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\", "link text"],
  ["clipboard \x1b]52;c;aGk=", "clipboard "],
  ["up \x1b[1A\x1b[2K gone", "up  gone"],
  ["cut off \x1b[1", "cut off "],
  ["cut off \x1b", "cut off "],
  ["8-bit \x9b2J and \x9d0;x\x9c end", "8-bit  and  end"],
  ["bell\x07 back\x08 null\x00", "bell back null"],
  ["10%\r50%\r100%\r", "100%"],
  ["dos line\r", "dos line"],
  ["device \x1bP1$r\x1b\\ control", "device  control"],
  ["charset \x1b(0 lines", "charset  lines"],
  ["hidden \x1b[8mtext", "hidden text"],
])("%j", (line, text) => {
  expect(clean(line, false)).toBe(text)
})

test("colours stay where they are wanted, and do not run into the next line", () => {
  expect(clean("\x1b[32mok\x1b[0m", true)).toBe("\x1b[32mok\x1b[0m\x1b[0m")
  expect(clean("\x1b[1;38:2::1:2:3mred\x1b[2J", true)).toBe("\x1b[1;38:2::1:2:3mred\x1b[0m")
  expect(clean("\x1b[32mok\x1b[0m", false)).toBe("ok")
})
