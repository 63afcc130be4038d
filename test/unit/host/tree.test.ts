import { renameSync, utimesSync, writeFileSync } from "node:fs"
import { expect, test } from "vitest"
import { HostReader } from "../../../engine/host/reader.ts"
import {
  type Entry,
  filterTree,
  makeTree,
  readTreeFile,
  subtree,
  toEntriesJson,
} from "../../../engine/host/tree.ts"
import { folder, paths } from "./folder.ts"

const files = { "a.txt": "alpha", "src/b.py": "beta", "src/deep/c.py": "gamma", link: "-> src" }
const read = (root: string) => new HostReader().read(root)

test("a directory of a tree is as if it had been read", async () => {
  const root = folder(files)
  const tree = await read(root)
  expect(subtree(tree, "src")).toEqual(await read(`${root}/src`))
  expect(subtree(tree, "/src/../src/deep/")).toEqual(await read(`${root}/src/deep`))
  expect(subtree(tree, "../..")).toBe(tree)
})

test.each(["none", "a.txt", "link", "link/deep"])(
  "%s is no directory of the tree",
  async (path) => {
    expect(subtree(await read(folder(files)), path)).toBeUndefined()
  },
)

test("filtering leaves the tree alone; no patterns keep everything", async () => {
  const tree = await read(folder(files))
  expect(paths(filterTree(tree, { exclude: ["src/deep"] }))).toEqual([
    "a.txt",
    "link",
    "src/",
    "src/b.py",
  ])
  expect(filterTree(tree, { include: [], exclude: [], gitignore: false })).toEqual(tree)
})

test("a .gitignore that changed after the reading is an error", async () => {
  const root = folder({ ".gitignore": "a\n", a: "" })
  const tree = await read(root)
  writeFileSync(`${root}/.gitignore`, "b, then\n")
  expect(() => filterTree(tree, { gitignore: true })).toThrow(`${root}/.gitignore: changed`)
})

test("contents come from the disk as long as the file is the same", async () => {
  const root = folder(files)
  const tree = await read(root)
  expect(readTreeFile(tree, "src/b.py").toString()).toBe("beta")
  expect(() => readTreeFile(tree, "none")).toThrow("stat none: no such file or directory")
  expect(() => readTreeFile(tree, "src")).toThrow("path src is a directory, not a file")
  utimesSync(`${root}/a.txt`, 1, 1)
  expect(() => readTreeFile(tree, "a.txt")).toThrow(
    `${root}/a.txt: changed while it was being read`,
  )
  renameSync(`${root}/src/b.py`, `${root}/src/d.py`)
  expect(() => readTreeFile(tree, "src/b.py")).toThrow("changed while it was being read")
})

test("trees that differ have different digests", () => {
  const base = { mode: 0o644, size: 1, mtimeNs: 0n }
  const trees: Entry[][] = [
    [],
    [{ ...base, path: "a", type: "file", digest: "sha256:00" }],
    [{ ...base, path: "a", type: "symlink", link: "sha256:00" }],
    [{ ...base, path: "a", type: "dir" }],
    [
      { ...base, path: "a", type: "dir" },
      { ...base, path: "b", type: "dir" },
    ],
    [{ ...base, path: "a\ndir\n420", type: "dir" }],
  ]
  expect(new Set(trees.map((entries) => makeTree("/", entries).digest)).size).toBe(trees.length)
})

test("entries for the bridge", () => {
  const time = 1_700_000_000_123_456_789n
  const entries: Entry[] = [
    { path: "d", type: "dir", mode: 0o755, size: 0, mtimeNs: time },
    {
      path: 'd/"f"\n',
      type: "file",
      mode: 0o644,
      size: 5,
      mtimeNs: time,
      digest: "sha256:000000ff",
    },
    { path: "l", type: "symlink", mode: 0o777, size: 1, mtimeNs: time, link: "\\é" },
  ]
  expect(toEntriesJson(makeTree("/", entries))).toMatchInlineSnapshot(`
    "[{"path":"d","type":"dir","mode":493,"size":0,"mtimeNs":1700000000123456789},
    {"path":"d/\\"f\\"\\n","type":"file","mode":420,"size":5,"mtimeNs":1700000000123456255},
    {"path":"l","type":"symlink","mode":511,"size":1,"mtimeNs":1700000000123456789,"link":"\\\\é"}]"
  `)
})
