import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { makePatch } from "../../../engine/graph/diff.ts"
import { applyPatch, parsePatch } from "../../../engine/graph/patch.ts"

const patch = (before: string | null, after: string | null) =>
  makePatch([{ path: "f", before, after }])

test("an edit is shown with three lines around it", () => {
  const before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
  expect(patch(before, before.replace("5\n", "five\n"))).toMatchInlineSnapshot(`
    "diff --git a/f b/f
    --- a/f
    +++ b/f
    @@ -2,7 +2,7 @@
     2
     3
     4
    -5
    +five
     6
     7
     8
    "
  `)
})

test("a new file, a removed one, and a missing newline are told as git tells them", () => {
  expect(patch(null, "x")).toBe(
    "diff --git a/f b/f\nnew file mode 100644\n--- /dev/null\n+++ b/f\n@@ -0,0 +1,1 @@\n+x\n\\ No newline at end of file\n",
  )
  expect(patch("x\n", null)).toBe(
    "diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n",
  )
})

test("bytes that are no text are not shown", () => {
  expect(patch("a\0", "b\0")).toBe("diff --git a/f b/f\nBinary files a/f and b/f differ\n")
})

describe("what is written can be applied", () => {
  const cases: [string, string][] = [
    ["a\nb\nc\n", "a\nc\n"],
    ["a\nb\nc\n", "x\na\nb\nc\ny\n"],
    ["", "a\n"],
    ["a\n", ""],
    ["a", "a\n"],
    ["a\n", "a"],
    ["a\nb\na\nb\na\n", "b\na\nb\n"],
  ]
  // Pseudo-random texts, the same in each run.
  let seed = 7
  const next = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed % n
  }
  const text = () => Array.from({ length: next(40) }, () => `${next(6)}\n`).join("")
  for (let i = 0; i < 200; i++) cases.push([text(), text()])

  test("by us", () => {
    for (const [before, after] of cases) {
      if (before === after) continue
      const [first] = parsePatch(patch(before, after))
      if (!first) throw new Error("no patch")
      expect(applyPatch(before, first)).toBe(after)
    }
  })

  test("by git", () => {
    const dir = mkdtempSync(path.join(tmpdir(), "pyline-diff-"))
    try {
      for (const [before, after] of cases.slice(0, 20)) {
        if (before === after || before === "") continue
        writeFileSync(path.join(dir, "f"), before)
        const input = patch(before, after)
        execFileSync("git", ["apply", "--unidiff-zero", "-"], { cwd: dir, input })
        expect(execFileSync("cat", ["f"], { cwd: dir, encoding: "utf8" })).toBe(after)
      }
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
})

describe("a patch", () => {
  const edit = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"

  test("finds its lines where they have moved to", () => {
    const [first] = parsePatch(edit)
    expect(first && applyPatch("zero\none\ntwo\n", first)).toBe("zero\none\n2\n")
  })

  test("that does not apply is refused", () => {
    const [first] = parsePatch(edit)
    expect(() => first && applyPatch("other\n", first)).toThrow(
      "git apply: patch failed: f:1: patch does not apply",
    )
  })

  test("that is none is refused", () => {
    expect(() => parsePatch("hello")).toThrow("No valid patches in input")
    expect(() => parsePatch("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n one\n")).toThrow("corrupt patch")
    expect(() => parsePatch("GIT binary patch\n")).toThrow("binary patches cannot be applied")
  })
})
