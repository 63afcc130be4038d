import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { beforeAll, describe, expect, test } from "vitest"
import { control } from "../../engine/client.ts"
import { example, fixture, folder, lastLine, pyline } from "./pyline.ts"

const THE_TESTS = expect.stringMatching(/^\[exec (pytest|unittest)\b/)
/** Steps that install what the project needs, as against the project itself. */
const DEPENDENCIES = /uv (sync|pip install (-r|--no-deps -r))/

/** Names of the steps that ran, and how many were answered from the cache. */
async function steps(source: string) {
  const { exitCode, all, stdout } = await pyline(["test", "--source", source])
  expect(exitCode, all).toBe(0)
  const ran = all.match(/^\[(exec .*?)\] done in /gm) ?? []
  return { ran: ran.map((l) => l.replace(/\] done in $/, "]")), verdict: lastLine(stdout) }
}

interface Case {
  name: string
  copy: (name: string) => string
  /** Where its code is. */
  code: string
  /** Edits that add a dependency, as its author and the tool that locks would make them. */
  depend: [file: string, from: RegExp | string, to: string][]
}

// What is installed then is of this run alone, and on no engine yet.
const once = randomUUID()
const marker = `python_version >= '3' or platform_release == '${once}'`

const cases: Case[] = [
  {
    name: "fastapi-uv",
    copy: example,
    code: "app",
    depend: [
      ["pyproject.toml", '"fastapi>=0.115"', '"fastapi>=0.115", "iniconfig"'],
      ["pyproject.toml", /$/, `\n[tool.uv]\ncache-keys = [{ file = "${once}" }]\n`],
      [
        "uv.lock",
        '    { name = "fastapi" },',
        '    { name = "fastapi" },\n    { name = "iniconfig" },',
      ],
      [
        "uv.lock",
        '    { name = "fastapi", specifier = ">=0.115" },',
        '    { name = "fastapi", specifier = ">=0.115" },\n    { name = "iniconfig" },',
      ],
    ],
  },
  {
    name: "flask-requirements",
    copy: example,
    code: "shop",
    depend: [["requirements.txt", /$/, `idna==3.10; ${marker}\n`]],
  },
  {
    name: "library-src",
    copy: example,
    code: "src",
    depend: [["pyproject.toml", "dependencies = []", `dependencies = ["idna==3.10; ${marker}"]`]],
  },
  {
    name: "poetry_lock",
    copy: fixture,
    code: "src",
    depend: [
      ["pyproject.toml", 'idna = "*"', 'idna = "*"\nmarkdown = "3.8"'],
      [
        "poetry.lock",
        /(name = "markdown"[\s\S]*?)groups = \["docs"\]/,
        `$1groups = ["docs", "test"]\nmarkers = "${marker}"`,
      ],
      ["poetry.lock", /^content-hash.*\n/m, ""],
    ],
  },
]

describe.each(cases)("$name", ({ name, copy, code, depend }) => {
  let source = ""
  // Edits are of this run alone: what was seen before would be answered from the cache.
  const version = `9.${Date.now()}.0`
  const edit = (file: string, from: RegExp | string, to: string) => {
    const at = path.join(source, file)
    const text = readFileSync(at, "utf8")
    const edited = text.replace(from, to)
    expect(edited).not.toBe(text)
    writeFileSync(at, edited)
  }

  beforeAll(async () => {
    source = copy(name)
    await steps(source)
  })

  test("an unchanged run executes nothing and asks BuildKit for nothing", async () => {
    const before = await control({ type: "status" })
    expect((await steps(source)).ran).toEqual([])
    const after = await control({ type: "status" })
    expect(after.pid).toBe(before.pid)
    // Only BuildKit opens connections to elsewhere: registries, package indexes.
    expect(after.stats?.asked).toBe(before.stats?.asked)
  })

  test("a one-line source edit runs the tests and nothing else", async () => {
    appendFileSync(path.join(source, code, "edited.py"), `ADDED = "${randomUUID()}"\n`)
    // A new file changes what is found; the edit of a file that is there is the ordinary case.
    await steps(source)
    appendFileSync(path.join(source, code, "edited.py"), `EDITED = "${randomUUID()}"\n`)
    const { ran } = await steps(source)
    expect(ran).toEqual([THE_TESTS])
  })

  test("an edit of the README installs no dependency again", async () => {
    appendFileSync(path.join(source, "README.md"), `${randomUUID()}\n`)
    const { ran } = await steps(source)
    expect(ran).toContainEqual(THE_TESTS)
    expect(ran.filter((step) => DEPENDENCIES.test(step))).toEqual([])
  })

  // A project of requirements files alone has no version.
  const versioned = name === "flask-requirements" ? [] : [name]
  test.each(versioned)("nor does a version bump of %s", async () => {
    edit("pyproject.toml", /^version = ".*"/m, `version = "${version}"`)
    if (name === "fastapi-uv") edit("uv.lock", /(name = "notes"\nversion = )".*"/, `$1"${version}"`)
    const { ran } = await steps(source)
    expect(ran.filter((step) => DEPENDENCIES.test(step))).toEqual([])
  })

  test("a new dependency is installed, and taken back it is not", async () => {
    const files = [...new Set(depend.map(([file]) => path.join(source, file)))]
    const before = files.map((file) => [file, readFileSync(file, "utf8")] as const)
    for (const [file, from, to] of depend) edit(file, from, to)
    expect((await steps(source)).ran).toContainEqual(expect.stringMatching(DEPENDENCIES))
    for (const [file, text] of before) writeFileSync(file, text)
    expect((await steps(source)).ran).toEqual([])
  })
})

test("a commit runs nothing, and a tag installs the project again but no dependency", async () => {
  const source = folder()
  const git = (...args: string[]) =>
    execFileSync("git", [
      "-C",
      source,
      "-c",
      "user.name=a",
      "-c",
      "user.email=a@example.com",
      ...args,
    ])
  git("init", "--quiet")
  writeFileSync(
    path.join(source, "pyproject.toml"),
    `[build-system]
requires = ["hatchling", "hatch-vcs"]
build-backend = "hatchling.build"

[project]
name = "demo-${randomUUID()}"
dynamic = ["version"]
dependencies = ["idna"]

[tool.hatch]
version.source = "vcs"
build.targets.wheel.packages = ["demo"]
`,
  )
  mkdirSync(path.join(source, "demo"))
  writeFileSync(path.join(source, "demo/__init__.py"), "")
  writeFileSync(
    path.join(source, "test_demo.py"),
    `import unittest\nfrom importlib.metadata import distributions


class Demo(unittest.TestCase):
    def test_version(self):
        print("found", *(d.version for d in distributions() if d.name.startswith("demo-")))
`,
  )
  git("add", ".")
  git("commit", "--quiet", "-m", "one")
  git("tag", "v1.2.3")
  const run = async () => (await pyline(["test", "--source", source])).all
  expect(await run()).toContain("found 1.2.3")
  git("commit", "--quiet", "--allow-empty", "-m", "two")
  expect(await run()).not.toMatch(/^\[exec .*\] done in/m)
  git("tag", "-a", "v1.3.0", "-m", "three")
  const tagged = await run()
  expect(tagged).toContain("found 1.3.0")
  expect(tagged).not.toMatch(/^\[exec uv pip install -r .*\] done in/m)
})
