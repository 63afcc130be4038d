import { expect, test } from "vitest"
import { HostReader } from "../../../engine/host/reader.ts"
import { folder, paths } from "./folder.ts"

/** What is left of `files` under a .gitignore. */
async function left(gitignore: string, files: string[]): Promise<string[]> {
  const root = folder({ ...Object.fromEntries(files.map((f) => [f, ""])), ".gitignore": gitignore })
  const tree = await new HostReader().read(root, { gitignore: true })
  return paths(tree).filter((p) => p !== ".gitignore" && !p.endsWith("/"))
}

test.each([
  ["a name counts at any depth", "x", ["x", "d/x", "e/x/y", "xy"], ["xy"]],
  [
    "a slash binds it to the file's folder",
    "/x\nd/y",
    ["x", "e/x", "d/y", "e/d/y"],
    ["e/d/y", "e/x"],
  ],
  ["a slash at the end means directories", "x/", ["x/y", "d/x"], ["d/x"]],
  [
    "the last match decides",
    "*.log\n!keep.log\nd/*.log",
    ["a.log", "keep.log", "d/keep.log"],
    ["keep.log"],
  ],
  ["nothing below an ignored directory comes back", "d/\n!d/keep", ["d/keep"], []],
  ["what a directory holds may come back", "d/*\n!d/keep", ["d/keep", "d/x"], ["d/keep"]],
  [
    "** at the start, middle and end",
    "**/a\nb/**/c\nd/**",
    ["x/a", "b/c", "b/x/y/c", "d/x", "c"],
    ["c"],
  ],
  ["* stays within a name", "a/*.py", ["a/x.py", "a/b/x.py"], ["a/b/x.py"]],
  ["classes", "[!a].x\n[[:digit:]]\n[]-]", ["a.x", "b.x", "1", "]", "-"], ["a.x"]],
  ["escapes", "\\#a\n\\!b\n\\*", ["#a", "!b", "*", "c"], ["c"]],
  ["comments and empty lines", "# a\n\n", ["# a", "a"], ["# a", "a"]],
  ["spaces at the end", "a  \nb\\ ", ["a", "b", "b "], ["b"]],
  ["line ends of Windows and a byte order mark", "\ufeffa\r\nb/\r\n", ["a", "b/c", "d"], ["d"]],
  ["an open class matches nothing", "[a\n[", ["[a", "a"], ["[a", "a"]],
])("%s", async (_, gitignore, files, expected) => {
  expect(await left(gitignore, files)).toEqual(expected)
})

const repository = {
  ".git/": "",
  ".gitignore": "*.log\n/only-root\nbuild/\n/sub/deep/*.tmp\n",
  "a.log": "",
  "only-root": "",
  "sub/a.log": "",
  "sub/only-root": "",
  "sub/keep": "",
  "sub/deep/a.tmp": "",
  "build/x": "",
}

test("a repository", async () => {
  const selection = { gitignore: true, exclude: [".git"] }
  const tree = await new HostReader().read(folder(repository), selection)
  expect(paths(tree)).toEqual([".gitignore", "sub/", "sub/deep/", "sub/keep", "sub/only-root"])
})

test("a folder of a repository obeys the .gitignore files above it", async () => {
  const root = folder(repository)
  const read = async (at: string) =>
    paths(await new HostReader().read(root + at, { gitignore: true }))
  expect(await read("/sub")).toEqual(["deep/", "keep", "only-root"])
  expect(await read("/sub/deep")).toEqual([])
  expect(await read("/build")).toEqual([])
})

test("outside a repository only the .gitignore files of the folder itself count", async () => {
  const root = folder({ ".gitignore": "*.py\n", "src/a.py": "" })
  expect(paths(await new HostReader().read(`${root}/src`, { gitignore: true }))).toEqual(["a.py"])
})

test("a .gitignore that is a symbolic link does not count, as in git", async () => {
  const root = folder({ rules: "a\n", ".gitignore": "-> rules", a: "" })
  expect(paths(await new HostReader().read(root, { gitignore: true }))).toContain("a")
})
