import { appendFileSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { beforeAll, describe, expect, test } from "vitest"
import { example, lastLine, pyline } from "./pyline.ts"

/** Names of the steps that ran, and how many were answered from the cache. */
async function steps(source: string) {
  const { exitCode, all, stdout } = await pyline(["test", "--source", source])
  expect(exitCode, all).toBe(0)
  const ran = all.match(/^\[(exec .*?)\] done in /gm) ?? []
  return { ran: ran.map((l) => l.replace(/\] done in $/, "]")), verdict: lastLine(stdout) }
}

describe.each(["fastapi-uv", "flask-requirements", "library-src"])("%s", (name) => {
  let source = ""
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

  test("an unchanged run executes nothing", async () => {
    expect((await steps(source)).ran).toEqual([])
  })

  test("a one-line source edit runs the tests and nothing else", async () => {
    const file = { "fastapi-uv": "app", "flask-requirements": "shop", "library-src": "src" }[name]
    const tests = path.join(source, "tests")
    appendFileSync(path.join(source, file ?? "", "edited.py"), "EDITED = 1\n")
    // A new file changes what is found; the edit of a file that is there is the ordinary case.
    await steps(source)
    appendFileSync(path.join(source, file ?? "", "edited.py"), "EDITED = 2\n")
    const { ran } = await steps(source)
    expect(ran).toEqual([expect.stringMatching(/run_tests/)])
    expect(tests).toBeTruthy()
  })

  test("an edit of the README runs the tests and nothing else", async () => {
    appendFileSync(path.join(source, "README.md"), "More.\n")
    expect((await steps(source)).ran).toEqual([expect.stringMatching(/run_tests/)])
  })

  test.skipIf(name === "flask-requirements")("a version bump installs nothing", async () => {
    edit("pyproject.toml", /^version = ".*"/m, 'version = "9.9.9"')
    if (name === "fastapi-uv") edit("uv.lock", /(name = "fastapi-uv"\nversion = )".*"/, '$1"9.9.9"')
    const { ran } = await steps(source)
    expect(ran.filter((step) => /uv (sync|pip install -r)/.test(step))).toEqual([])
  })
})
