import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { HostReader } from "../../../engine/host/reader.ts"
import { folder, paths } from "./folder.ts"

/** Longer than a file that was just written is distrusted. */
const settle = () => sleep(70)

const files = { "a.txt": "alpha", "src/b.py": "beta", "src/deep/c.py": "gamma", link: "-> a.txt" }

test("lists what a directory holds", async () => {
  const root = folder({ ...files, "empty/": "" })
  chmodSync(`${root}/a.txt`, 0o4750)
  const tree = await new HostReader().read(root)
  expect(tree.root).toBe(root)
  expect(
    tree.entries.map(({ mtimeNs: _, mode, ...e }) => ({ ...e, mode: mode.toString(8) })),
  ).toMatchInlineSnapshot(`
    [
      {
        "digest": "sha256:8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8",
        "mode": "4750",
        "path": "a.txt",
        "size": 5,
        "type": "file",
      },
      {
        "mode": "755",
        "path": "empty",
        "size": 0,
        "type": "dir",
      },
      {
        "link": "a.txt",
        "mode": "777",
        "path": "link",
        "size": 5,
        "type": "symlink",
      },
      {
        "mode": "755",
        "path": "src",
        "size": 0,
        "type": "dir",
      },
      {
        "digest": "sha256:f44e64e75f3948e9f73f8dfa94721c4ce8cbb4f265c4790c702b2d41cfbf2753",
        "mode": "644",
        "path": "src/b.py",
        "size": 4,
        "type": "file",
      },
      {
        "mode": "755",
        "path": "src/deep",
        "size": 0,
        "type": "dir",
      },
      {
        "digest": "sha256:be9d587defa1f0c09ef49eb17e206983a5f8f8289e4281860bd0ee5a19592c67",
        "mode": "644",
        "path": "src/deep/c.py",
        "size": 5,
        "type": "file",
      },
    ]
  `)
  const { mtimeNs } = statSync(`${root}/a.txt`, { bigint: true })
  expect(tree.entries.find((e) => e.path === "a.txt")?.mtimeNs).toBe(mtimeNs)
})

test("directories come before what they hold, names in the order of their bytes", async () => {
  const root = folder({ "a/x": "", "a-b": "", a0: "", "\u{1f40d}": "", "\uffee": "", B: "", é: "" })
  const tree = await new HostReader().read(root)
  expect(tree.entries.map((e) => e.path)).toEqual([
    "B",
    "a",
    "a/x",
    "a-b",
    "a0",
    "é",
    "\uffee",
    "\u{1f40d}",
  ])
})

test("files are read once", async () => {
  const root = folder(files)
  await settle()
  const reader = new HostReader()
  const first = await reader.read(root)
  expect(reader.filesRead).toBe(3)
  expect(await reader.read(root)).toEqual(first)
  await reader.read(root, { include: ["src"] })
  await reader.readFile(`${root}/a.txt`)
  expect(reader.filesRead).toBe(3)
})

test("a touched file is read again and changes nothing", async () => {
  const root = folder(files)
  await settle()
  const reader = new HostReader()
  const first = await reader.read(root)
  utimesSync(`${root}/a.txt`, 1, 1)
  await settle()
  expect((await reader.read(root)).digest).toBe(first.digest)
  expect(reader.filesRead).toBe(4)
})

test.each<[string, (root: string) => void]>([
  ["contents", (root) => writeFileSync(`${root}/a.txt`, "ALPHA")],
  ["a mode", (root) => chmodSync(`${root}/a.txt`, 0o600)],
  ["the mode of a directory", (root) => chmodSync(`${root}/src`, 0o700)],
  ["a name", (root) => renameSync(`${root}/a.txt`, `${root}/b.txt`)],
  ["a new empty directory", (root) => mkdirSync(`${root}/empty`)],
  ["a new link", (root) => symlinkSync("b", `${root}/link2`)],
])("the digest counts %s", async (_, change) => {
  const root = folder(files)
  const reader = new HostReader()
  const { digest } = await reader.read(root)
  change(root)
  expect((await reader.read(root)).digest).not.toBe(digest)
})

test("the digest does not depend on where, when and how often a directory is read", async () => {
  const [one, two] = [folder(files), folder(files)]
  utimesSync(`${two}/a.txt`, 1, 1)
  const reader = new HostReader()
  const { digest } = await reader.read(one)
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect((await reader.read(two)).digest).toBe(digest)
  expect((await new HostReader().read(one)).digest).toBe(digest)
})

test("an edit that keeps size and modification time is seen", async () => {
  const root = folder(files)
  await settle()
  const reader = new HostReader()
  const { digest } = await reader.read(root)
  const { atime, mtime } = statSync(`${root}/a.txt`)
  writeFileSync(`${root}/a.txt`, "ALPHA")
  utimesSync(`${root}/a.txt`, atime, mtime)
  expect((await reader.read(root)).digest).not.toBe(digest)
})

test("edits within one tick of the clock are seen", async () => {
  const root = folder({ f: "0" })
  const reader = new HostReader()
  const digests = new Set<string>()
  for (let i = 0; i < 50; i++) {
    writeFileSync(`${root}/f`, String.fromCharCode(0x40 + i))
    digests.add((await reader.read(root)).digest)
  }
  expect(digests.size).toBe(50)
})

test("what is known is kept for the next process", async () => {
  const root = folder({ ...files, "new\nline": "x" })
  const cacheFile = `${folder()}/state/host-cache`
  await settle()
  const reader = new HostReader({ cacheFile })
  const { digest } = await reader.read(root)
  await reader.save()
  const next = new HostReader({ cacheFile })
  expect((await next.read(root)).digest).toBe(digest)
  expect(next.filesRead).toBe(0)
  expect(statSync(cacheFile).mode & 0o777).toBe(0o600)

  writeFileSync(cacheFile, readFileSync(cacheFile, "utf8").slice(0, -20))
  const damaged = new HostReader({ cacheFile })
  expect((await damaged.read(root)).digest).toBe(digest)
  expect(damaged.filesRead).toBe(4)
})

test("what is deleted is forgotten", async () => {
  const root = folder({ a: "1", b: "2" })
  const cacheFile = `${folder()}/host-cache`
  await settle()
  const reader = new HostReader({ cacheFile })
  await reader.read(root)
  renameSync(`${root}/a`, `${folder()}/a`)
  await reader.read(root)
  await reader.save()
  expect(readFileSync(cacheFile, "utf8")).not.toContain('"a"')
})

test("one file", async () => {
  const root = folder({ "a [x]!.txt": "alpha", other: "" })
  const tree = await new HostReader().readFile(`${root}/a [x]!.txt`)
  expect(paths(tree)).toEqual(["a [x]!.txt"])
  expect(tree.entries[0]?.digest).toMatch(/^sha256:/)
})

test("a file that is written once while it is read has its new contents", async () => {
  const root = folder({ big: "x".repeat(4 << 20) })
  const reading = new HostReader().read(root)
  setImmediate(() => appendFileSync(`${root}/big`, "end"))
  const tree = await reading
  expect((await new HostReader().read(root)).digest).toBe(tree.digest)
})

test("a file that changes all the time is an error that names it", async () => {
  const root = folder({ big: "x".repeat(4 << 20) })
  const writing = setInterval(() => appendFileSync(`${root}/big`, "more"), 1)
  try {
    await expect(new HostReader().read(root)).rejects.toMatchObject({
      code: "CHANGED",
      path: `${root}/big`,
      message: `${root}/big: changed while it was being read`,
    })
  } finally {
    clearInterval(writing)
  }
})

test("many files", async () => {
  const many: Record<string, string> = {}
  for (let i = 0; i < 3000; i++) many[`package${i % 40}/module${i}.py`] = `x = ${i}\n`
  const root = folder(many)
  await settle()
  const reader = new HostReader()
  for (const label of ["first", "again"]) {
    const started = performance.now()
    const { entries } = await reader.read(root)
    const took = (performance.now() - started).toFixed(1)
    console.log(`${entries.length} entries, read for the ${label} time: ${took} ms`)
  }
  expect(reader.filesRead).toBe(3000)
})
