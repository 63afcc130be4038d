import { randomUUID } from "node:crypto"
import { appendFileSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { beforeAll, describe, expect, test } from "vitest"
import { control } from "../../engine/client.ts"
import { example, lastLine, pyline } from "./pyline.ts"

const THE_TESTS = expect.stringMatching(/^\[exec (pytest|unittest)\b/)
/** Steps that install what the project needs, as against the project itself. */
const DEPENDENCIES = /uv (sync|pip install -r)/

/** Names of the steps that ran, and how many were answered from the cache. */
async function steps(source: string) {
  const { exitCode, all, stdout } = await pyline(["test", "--source", source])
  expect(exitCode, all).toBe(0)
  const ran = all.match(/^\[(exec .*?)\] done in /gm) ?? []
  return { ran: ran.map((l) => l.replace(/\] done in $/, "]")), verdict: lastLine(stdout) }
}

describe.each(["fastapi-uv", "flask-requirements", "library-src"])("%s", (name) => {
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
    source = example(name)
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
    const file = { "fastapi-uv": "app", "flask-requirements": "shop", "library-src": "src" }[name]
    appendFileSync(path.join(source, file ?? "", "edited.py"), `ADDED = "${randomUUID()}"\n`)
    // A new file changes what is found; the edit of a file that is there is the ordinary case.
    await steps(source)
    appendFileSync(path.join(source, file ?? "", "edited.py"), `EDITED = "${randomUUID()}"\n`)
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
})
