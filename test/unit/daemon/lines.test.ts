import { expect, test } from "vitest"
import { LineSplitter } from "../../../engine/daemon/lines.ts"

function split(chunks: (string | Buffer)[], limit?: number): string[] {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line), limit)
  for (const chunk of chunks) splitter.push(Buffer.from(chunk))
  return lines
}

test("lines come out however the chunks are cut", () => {
  expect(split(["a\nb", "c\n", "\n", "d"])).toEqual(["a", "bc"])
})

test("a character that is cut in two stays whole", () => {
  const bytes = Buffer.from("é\n")
  expect(split([bytes.subarray(0, 1), bytes.subarray(1)])).toEqual(["é"])
})

test("a line of 64 MB in small chunks costs its length once", () => {
  const chunk = Buffer.alloc(16_384, "x")
  let length = 0
  const splitter = new LineSplitter((line) => {
    length = line.length
  })
  const begun = performance.now()
  for (let i = 0; i < 4096; i++) splitter.push(chunk)
  splitter.push(Buffer.from("\n"))
  expect(length).toBe(64 << 20)
  // Joining what there is at every chunk would copy 130 GB.
  expect(performance.now() - begun).toBeLessThan(3000)
})

test("a line beyond the limit is refused before it is complete", () => {
  expect(() => split(["12345", "6"], 5)).toThrow(new RangeError("a line is longer than 5 bytes"))
})
