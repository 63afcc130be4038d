import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import type { Selection } from "../../../engine/host/filter.ts"
import { HostReader } from "../../../engine/host/reader.ts"
import { filterTree } from "../../../engine/host/tree.ts"
import { folder, paths } from "./folder.ts"

interface Recorded {
  trees: Record<string, Record<string, string>>
  answers: { name: string; tree: string; selection: Selection; answer: string[] }[]
}

/** What Dagger 0.21.8 answered. */
const { trees, answers }: Recorded = JSON.parse(
  readFileSync(new URL("recorded.json", import.meta.url), "utf8"),
)

describe.each(answers)("$name", ({ tree, selection, answer }) => {
  const expected = [...answer].sort()

  test("read from the disk", async () => {
    const root = folder(trees[tree])
    expect(paths(await new HostReader().read(root, selection))).toEqual(expected)
  })

  test("filtered afterwards", async () => {
    const reader = new HostReader()
    const root = folder(trees[tree])
    const filtered = filterTree(await reader.read(root), selection)
    expect(paths(filtered)).toEqual(expected)
    expect(filtered.digest).toBe((await reader.read(root, selection)).digest)
  })
})
