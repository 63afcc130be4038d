import { randomUUID } from "node:crypto"
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { example, folder, lastLine, lastLines, pyline } from "./pyline.ts"

const examples = [
  ["fastapi-uv", 16],
  ["flask-requirements", 10],
  ["library-src", 10],
  ["unittest-stdlib", 5],
] as const

describe.each(examples)("%s", (name) => {
  test("is green, says how many tests passed, and exits with 0", async () => {
    const { exitCode, stdout, all } = await pyline(["test", "--source", example(name)])
    expect(lastLine(stdout), all).toMatch(/^\d+ passed in [\d.]+ s( \(.*\))?$/)
    expect(Number.parseInt(lastLine(stdout), 10)).toBeGreaterThan(3)
    expect(exitCode).toBe(0)
  })
})

describe("a red test", () => {
  const red = () => {
    const source = example("library-src")
    appendFileSync(
      path.join(source, "tests/test_red.py"),
      "def test_this_one_is_red():\n    assert 1 + 1 == 3, 'sums are off'\n",
    )
    return source
  }

  test("exits with 1, and names the test, its place and the assertion at the end", async () => {
    const { exitCode, all } = await pyline(["test", "--source", red()])
    expect(exitCode, all).toBe(1)
    expect(lastLines(all, 15)).toContain("test_this_one_is_red")
    expect(lastLines(all, 15)).toContain("tests/test_red.py:2")
    expect(lastLines(all, 15)).toContain("sums are off")
    expect(lastLine(all)).toMatch(/^\d+ passed, 1 failed in [\d.]+ s/)
  })

  test("leaves its reports, of the same run", async () => {
    const source = red()
    appendFileSync(
      path.join(source, "tests/test_red.py"),
      "def test_random():\n    import uuid\n    assert False, f'run {uuid.uuid4()}'\n",
    )
    const [first, out] = [await pyline(["test", "--source", source]), folder()]
    expect(first.exitCode).toBe(1)
    const run = /run [0-9a-f-]{36}/.exec(first.all)?.[0]
    const reports = await pyline(["reports", "--source", source, "--only", "test", "-o", out])
    expect(reports.exitCode, reports.all).toBe(0)
    const xml = readFileSync(path.join(out, "junit/python-3.13.xml"), "utf8")
    expect(xml).toContain("test_this_one_is_red")
    expect(run).toBeDefined()
    expect(xml).toContain(run)
  })
})

describe("what is wrong with a project", () => {
  test("a manifest that cannot be read: exit 2, file and line", async () => {
    const source = example("library-src")
    writeFileSync(path.join(source, "pyproject.toml"), '[project]\nname = "x"\nversion = \n')
    const { exitCode, all } = await pyline(["test", "--source", source])
    expect(exitCode, all).toBe(2)
    expect(all).toContain("error[MANIFEST_INVALID]")
    expect(all).toMatch(/pyproject\.toml:3/)
  })

  test("a lock that is not up to date: exit 2 and the command that mends it", async () => {
    const source = example("fastapi-uv")
    const file = path.join(source, "pyproject.toml")
    writeFileSync(file, readFileSync(file, "utf8").replace(/dependencies = \[/, '$&\n    "idna",'))
    const { exitCode, all } = await pyline(["test", "--source", source])
    expect(exitCode, all).toBe(2)
    expect(all).toContain("error[LOCK_STALE]")
    expect(all).toContain("fix: uv lock")
  })

  test("no tests at all: exit 1 with its own message, unless that is allowed", async () => {
    const source = example("library-src")
    rmSync(path.join(source, "tests"), { recursive: true })
    const refused = await pyline(["test", "--source", source])
    expect(refused.exitCode, refused.all).toBe(1)
    expect(refused.all).toContain("error[NO_TESTS]")
    const allowed = await pyline(["test", "--source", source, "--allow-no-tests"])
    expect(allowed.exitCode, allowed.all).toBe(0)
  })

  test("a folder that is not there: exit 2", async () => {
    const { exitCode, all } = await pyline(["test", "--source", "/no/such/folder"])
    expect(exitCode, all).toBe(2)
    expect(all).toContain("/no/such/folder")
  })

  test("a process that is killed: says so", async () => {
    const source = example("library-src")
    writeFileSync(
      path.join(source, "tests/test_killed.py"),
      "import os, signal\n\ndef test_killed():\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    const { exitCode, all } = await pyline(["test", "--source", source])
    expect(exitCode, all).toBe(1)
    expect(all).toContain("killed, probably out of memory")
  })
})

test("unknown verbs and flags exit with 2 and suggest what was meant", async () => {
  const verb = await pyline(["tset"])
  expect([verb.exitCode, verb.all]).toEqual([2, expect.stringContaining("test")])
  const flag = await pyline(["test", "--sorce", "."])
  expect([flag.exitCode, flag.all]).toEqual([2, expect.stringContaining("--source")])
})

test("what a test prints cannot speak to GitHub Actions", async () => {
  const source = example("library-src")
  // An engine that has seen this very file answers from its cache, and there is no output to look at.
  const once = `# ${randomUUID()}\n`
  writeFileSync(
    path.join(source, "tests/test_loud.py"),
    `${once}import sys\n\ndef test_loud():\n    sys.__stdout__.write('\\n::set-env name=PWNED::1\\n')\n`,
  )
  const { all } = await pyline(["test", "--source", source, "--args=-s"], {
    env: { GITHUB_ACTIONS: "true" },
  })
  expect(all).toContain("::group::")
  const lines = all.split("\n")
  const loud = lines.findIndex((l) => l.includes("set-env"))
  expect(loud).toBeGreaterThan(0)
  const before = lines.slice(0, loud).filter((l) => /^::stop-commands::/.test(l))
  expect(before.length > 0 || !lines[loud]?.startsWith("::")).toBe(true)
})

test("`pyline run` gives a session to any program that uses a Dagger SDK", async () => {
  const program = path.join(folder(), "program.mjs")
  writeFileSync(
    program,
    `import { connect } from ${JSON.stringify(path.resolve("node_modules/@dagger.io/dagger/dist/src/index.js"))}
     await connect(async (dag) => {
       console.log(await dag.container().from("python:3.13-slim").withExec(["echo", "hello"]).stdout())
     })
     process.exit(7)`,
  )
  const { exitCode, stdout, all } = await pyline(["run", "--", "node", program])
  expect(stdout, all).toContain("hello")
  expect(exitCode).toBe(7)
  expect(existsSync(program)).toBe(true)
})
