import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { expect, onTestFinished, test } from "vitest"
import { HostReader } from "../../../engine/host/reader.ts"
import { folder, paths } from "./folder.ts"

const read = (root: string, selection = {}) => new HostReader().read(root, selection)

/** Root may read everything: these tests then look on as somebody else. */
function asNobody(): void {
  if (process.geteuid?.() !== 0) return
  process.seteuid?.(65_534)
  onTestFinished(() => void process.seteuid?.(0))
}

test("links are kept as they are and never followed", async () => {
  const outside = folder({ secret: "x" })
  const root = folder({
    "real/f": "",
    loop: "-> loop",
    "real/up": "-> ..",
    out: `-> ${outside}`,
    dangling: "-> /nonexistent/x",
    todir: "-> real",
  })
  const tree = await read(root)
  expect(paths(tree)).toEqual(["dangling", "loop", "out", "real/", "real/f", "real/up", "todir"])
  expect(tree.entries.find((e) => e.path === "out")).toMatchObject({
    type: "symlink",
    mode: 0o777,
    link: outside,
  })
})

test("the root itself may be a link, or end in a slash", async () => {
  const root = folder({ f: "x" })
  const link = `${folder()}/link`
  symlinkSync(root, link)
  const { digest } = await read(root)
  expect(await read(link)).toMatchObject({ root, digest })
  expect(await read(`${root}/`)).toMatchObject({ root, digest })
})

test("sockets and fifos are left out", async () => {
  const root = folder({ f: "" })
  execFileSync("sh", ["-c", 'mkfifo "$1"', "sh", `${root}/fifo`])
  const server = createServer().listen(`${root}/socket`)
  onTestFinished(() => void server.close())
  await new Promise((done) => server.once("listening", done))
  expect(paths(await read(root))).toEqual(["f"])
  await expect(new HostReader().readFile(`${root}/fifo`)).rejects.toMatchObject({
    code: "NOT_FOUND",
  })
})

test("awkward names", async () => {
  const names = [
    "new\nline",
    'quo"te',
    "back\\slash",
    "colon:",
    " space ",
    "\ufffd",
    "-dash",
    "\u{1f40d}",
  ]
  const root = folder(Object.fromEntries(names.map((name) => [name, name])))
  const tree = await read(root)
  expect(tree.entries.map((e) => e.path).sort()).toEqual(names.sort())
})

test("a name that is not UTF-8 is refused, unless it is excluded", async () => {
  const root = folder({ "sub/f": "" })
  writeFileSync(Buffer.concat([Buffer.from(`${root}/sub/bad`), Buffer.from([0xff])]), "")
  mkdirSync(Buffer.concat([Buffer.from(`${root}/dir`), Buffer.from([0xfe])]))
  await expect(read(root, { exclude: ["dir*"] })).rejects.toMatchObject({
    code: "NOT_UTF8",
    path: `${root}/sub/bad\ufffd`,
    message: `"${root}/sub/bad\ufffd": the name is not UTF-8`,
  })
  await expect(read(root, { include: ["**/*.py"] })).rejects.toMatchObject({ code: "NOT_UTF8" })
  expect(paths(await read(root, { exclude: ["dir*", "sub/bad*"] }))).toEqual(["sub/", "sub/f"])
})

test("a link whose target is not UTF-8 is refused", async () => {
  const root = folder()
  symlinkSync(Buffer.from([0x61, 0xff]), `${root}/link`)
  await expect(read(root)).rejects.toMatchObject({ code: "NOT_UTF8", path: `${root}/link` })
})

test("an unreadable file is an error that names it", async () => {
  const root = folder({ "a/secret": "x", b: "" })
  chmodSync(root, 0o755)
  chmodSync(`${root}/a/secret`, 0)
  asNobody()
  await expect(read(root)).rejects.toMatchObject({
    code: "UNREADABLE",
    path: `${root}/a/secret`,
    message: `${root}/a/secret: permission denied`,
  })
  expect(paths(await read(root, { exclude: ["a/secret"] }))).toEqual(["a/", "b"])
})

test("an unreadable directory is one too, unless nothing of it is wanted", async () => {
  const root = folder({ "a/f": "x", b: "" })
  chmodSync(root, 0o755)
  chmodSync(`${root}/a`, 0)
  asNobody()
  await expect(read(root)).rejects.toMatchObject({ code: "UNREADABLE", path: `${root}/a` })
  expect(paths(await read(root, { exclude: ["a"] }))).toEqual(["b"])
  expect(paths(await read(root, { include: ["**/*.py", "b"] }))).toEqual(["b"])
})

test("what is not there, or is something else", async () => {
  const root = folder({ f: "", "d/": "", link: "-> f" })
  const reader = new HostReader()
  await expect(read(`${root}/none`)).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: `stat ${root}/none: no such file or directory`,
  })
  await expect(read(`${root}/f`)).rejects.toMatchObject({
    code: "NOT_A_DIRECTORY",
    message: `stat ${root}/f: not a directory`,
  })
  await expect(reader.readFile(`${root}/none`)).rejects.toThrow(
    "stat none: no such file or directory",
  )
  await expect(reader.readFile(`${root}/no/ne`)).rejects.toThrow("no such file or directory")
  await expect(reader.readFile(`${root}/link`)).rejects.toThrow(
    "stat link: no such file or directory",
  )
  await expect(reader.readFile(`${root}/d`)).rejects.toThrow("path d is a directory, not a file")
})
