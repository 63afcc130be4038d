import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { readTree } from "../../../engine/graph/tree.ts"
import { HostReader } from "../../../engine/host/reader.ts"
import type { Tree } from "../../../engine/host/tree.ts"

let dir: string
let tree: Tree
beforeAll(async () => {
  dir = realpathSync(mkdtempSync(path.join(tmpdir(), "pyline-tree-")))
  mkdirSync(`${dir}/d/e`, { recursive: true })
  writeFileSync(`${dir}/d/f`, "0123456789")
  symlinkSync("d/f", `${dir}/link`)
  symlinkSync("/d/e", `${dir}/absolute`)
  symlinkSync("../../../d", `${dir}/d/up`)
  symlinkSync("loop", `${dir}/loop`)
  symlinkSync("/etc/hostname", `${dir}/outside`)
  tree = await new HostReader().read(dir)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const stat = (p: string, noFollow = false) => {
  const { stat, code } = readTree(tree, { kind: "stat", path: p, noFollow })
  return stat ? `${stat.type} ${stat.name}` : code
}

describe("a tree of the host answers as BuildKit does", () => {
  test.each([
    ["/", "dir /"],
    ["/d", "dir d"],
    ["d/e/..", "dir d"],
    ["/link", "file f"],
    ["/absolute", "dir e"],
    ["/d/up/up/up/f", "file f"],
    ["/../../d/f", "file f"],
    ["/none", "ENOENT"],
    ["/d/f/x", "ENOTDIR"],
    ["/loop", "ELOOP"],
    ["/outside", "ENOENT"],
  ])("stat %s", (p, answer) => expect(stat(p)).toBe(answer))

  test("a link itself is not followed", () => {
    expect(stat("/link", true)).toBe("symlink link")
    expect(stat("/d/up/up", true)).toBe("symlink up")
  })

  test("directories are listed, files are not", () => {
    const { entries } = readTree(tree, { kind: "dir", path: "/d" })
    expect(entries?.map((e) => e.name)).toEqual(["e", "f", "up"])
    expect(readTree(tree, { kind: "dir", path: "/d/e" }).entries).toEqual([])
    expect(readTree(tree, { kind: "dir", path: "/d/f" }).code).toBe("ENOTDIR")
  })

  test("files are read, in parts too", () => {
    const read = (offset?: number, length?: number) => {
      const range = { ...(offset !== undefined && { offset }), ...(length && { length }) }
      const { data } = readTree(tree, { kind: "file", path: "/link", ...range })
      return Buffer.from(data ?? "", "base64").toString()
    }
    expect(read()).toBe("0123456789")
    expect(read(8)).toBe("89")
    expect(read(2, 3)).toBe("234")
    expect(read(50)).toBe("")
    expect(readTree(tree, { kind: "file", path: "/d" }).code).toBe("EISDIR")
  })

  test("what was read stays, whatever happens on the disk", () => {
    readTree(tree, { kind: "file", path: "/d/f" })
    writeFileSync(`${dir}/d/f`, "changed")
    const { data } = readTree(tree, { kind: "file", path: "/d/f" })
    expect(Buffer.from(data ?? "", "base64").toString()).toBe("0123456789")
  })
})
