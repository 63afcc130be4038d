import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { $ } from "zx"
import { folder, pyline, root } from "./pyline.ts"

/** No engine has seen it before: what is said of it is not from a cache. */
const word = `w${randomBytes(6).toString("hex")}`

const GREEN = `def ${word}(value: int) -> int:
    return value * 2
`
const RED = `def ${word}(value: int)->int:
    return undefined * 2
wrong: int = ""
`
const TEST = `from demo import ${word}


def test_double() -> None:
    assert ${word}(2) == 4
`

/** A project with a uv.lock that has ruff and mypy, with their configuration. */
function project(): string {
  const copy = path.join(folder(), "demo")
  cpSync(path.join(root, "test/fixtures/lint_uv_lock"), copy, { recursive: true })
  write(copy, "pyproject.toml", (text) => `${text}\n[tool.ruff.format]\n`)
  write(copy, "demo.py", () => GREEN)
  write(copy, "tests/test_it.py", () => TEST)
  return copy
}

function write(source: string, file: string, change: (text: string) => string): void {
  const name = path.join(source, file)
  writeFileSync(name, change(existsSync(name) ? readFileSync(name, "utf8") : ""))
}

/** What a person reads at the end, with times and places that differ from run to run put out. */
function words(text: string, source: string): string {
  return text
    .slice(Math.max(0, text.indexOf("error[")))
    .replaceAll(source, "SOURCE")
    .replace(/ +\d+\.\d s/g, " N s")
    .trimEnd()
}

const run = (verb: string, source: string, ...args: string[]) =>
  pyline([verb, "--source", source, "--progress", "quiet", ...args])

describe("the checks of a project", () => {
  const source = project()

  test("green", async () => {
    const ci = await run("ci", source)
    expect(ci.exitCode, ci.all).toBe(0)
    expect(words(ci.stdout, source)).toBe(`lock    passed N s  uv.lock matches pyproject.toml
lint    passed N s  ruff found nothing wrong
format  passed N s  ruff would change nothing
types   passed N s  mypy found nothing wrong
test    passed N s  1 passed in N s
build   skipped N s  uv.lock has it as virtual: nothing is built
5 checks passed, 1 skipped`)
    const verbs = await Promise.all(["lock", "lint", "types"].map((verb) => run(verb, source)))
    expect(verbs.map(({ exitCode, stdout }) => [exitCode, stdout.trim()])).toEqual([
      [0, "lock: uv.lock matches pyproject.toml"],
      [0, "lint: ruff found nothing wrong"],
      [0, "types: mypy found nothing wrong"],
    ])
    expect((await run("format", source)).stdout.trim()).toBe("nothing to change")
  })

  test("red: each of them, in one table, and with their reports", async () => {
    write(source, "demo.py", () => RED)
    const ci = await run("ci", source)
    expect(ci.exitCode, ci.all).toBe(1)
    const text = words(ci.stderr, source)
    expect(text.replace(/^test: 1 of 1[\s\S]*?^docs/m, "test: …\ndocs")).toBe(
      `error[CHECKS_FAILED]: 4 of 6 checks failed: lint, format, types and test
lint: ruff found 1 error
  demo.py:2:12 F821 Undefined name \`undefined\`
  reproduce: uvx ruff@0.17.5 check .
format: ruff would change 1 file
  demo.py:1 would be changed by ruff
  reproduce: uvx ruff@0.17.5 format .
types: mypy found 2 errors
  demo.py:2:12 name-defined Name "undefined" is not defined
  demo.py:3:14 assignment Incompatible types in assignment (expression has type "str", variable has type "int")
  reproduce: mypy
test: …
docs: docs/checks.md
lock    passed N s  uv.lock matches pyproject.toml
lint    failed N s  ruff found 1 error
format  failed N s  ruff would change 1 file
types   failed N s  mypy found 2 errors
test    failed N s  1 of 1 test failed (pytest, Python 3.13)
build   skipped N s  uv.lock has it as virtual: nothing is built`,
    )
    expect(text).toContain("  tests/test_it.py:5 test_double NameError: name 'undefined'")

    const out = folder()
    const reports = await run("reports", source, "--only", "lint,types", "-o", out)
    expect(reports.exitCode, reports.all).toBe(0)
    const lint = JSON.parse(readFileSync(path.join(out, "check-lint.json"), "utf8"))
    expect(lint).toMatchObject({ schema: 1, check: "lint", outcome: "failed" })
    const sarif = JSON.parse(readFileSync(path.join(out, "types.sarif"), "utf8"))
    expect(sarif.runs[0].tool.driver.name).toBe("mypy")
    expect(sarif.runs[0].results).toHaveLength(2)
    expect(existsSync(path.join(out, "check-test.json"))).toBe(false)
  })

  test("red: one verb, and formatting as the cure of format", async () => {
    const lint = await run("lint", source)
    expect(lint.exitCode, lint.all).toBe(1)
    expect(words(lint.stderr, source)).toBe(`error[CHECK_FAILED]: lint: ruff found 1 error
  demo.py:2:12 F821 Undefined name \`undefined\`
reproduce: uvx ruff@0.17.5 check .
docs: docs/checks.md`)
    expect((await run("types", source)).exitCode).toBe(1)
    const drift = await run("format", source)
    expect(drift.exitCode, drift.all).toBe(0)
    expect(drift.stdout).toContain("1 file to change; --auto-apply writes them")
    const cure = await run("format", source, "--auto-apply")
    expect(cure.stdout.trim(), cure.all).toBe("1 file changed")
    expect(readFileSync(path.join(source, "demo.py"), "utf8")).toBe(
      RED.replace(")->int", ") -> int").replace("wrong", "\n\nwrong"),
    )
  })

  test("red: a lock that is not what pyproject.toml says", async () => {
    write(source, "pyproject.toml", (text) => text.replace('"iniconfig"', '"iniconfig", "click"'))
    const lock = await run("lock", source)
    expect(lock.exitCode, lock.all).toBe(1)
    expect(words(lock.stderr, source)).toBe(
      `error[CHECK_FAILED]: lock: uv.lock does not match pyproject.toml
  pyproject.toml lock-stale uv.lock does not match it: run uv lock, then commit uv.lock
reproduce: uv lock --check
docs: docs/checks.md`,
    )
    const out = folder()
    const reports = await run("reports", source, "--only", "lock", "-o", out)
    expect(reports.exitCode, reports.all).toBe(0)
    expect(JSON.parse(readFileSync(path.join(out, "check-lock.json"), "utf8"))).toMatchObject({
      check: "lock",
      outcome: "failed",
    })
    expect(readFileSync(path.join(out, "index.html"), "utf8")).toContain("uv.lock does not match")
    write(source, "pyproject.toml", (text) => text.replace(', "click"', ""))
  })

  test("a tool that cannot look is neither green nor red", async () => {
    write(source, "ruff.toml", () => "line-length = = 3\n")
    const lint = await run("lint", source)
    expect(lint.exitCode, lint.all).toBe(2)
    expect(lint.stderr).toContain(
      "error[CHECK_MISCONFIGURED]: lint could not check: ruff stopped with exit status 2\n",
    )
    expect(lint.stderr).toContain("extra `=`")
    rmSync(path.join(source, "ruff.toml"))
    write(source, "killer.py", () => "import os\nos.kill(os.getpid(), 9)\n")
    write(source, "pyproject.toml", (text) =>
      text.replace("[tool.mypy]", '[tool.mypy]\nplugins = ["killer.py"]'),
    )
    const types = await run("types", source)
    expect(types.exitCode, types.all).toBe(3)
    expect(words(types.stderr, source)).toBe(
      `error[CHECK_ERRORED]: types could not check: mypy was killed, probably out of memory
reproduce: mypy
docs: docs/checks.md`,
    )
  })
})

test("without configuration only what cannot be right is red, and hooks of the project are run", async () => {
  const source = folder()
  write(source, "requirements.txt", () => "")
  write(source, "app.py", () => `import os,  sys\n${word} = 1 # a comment\nprint(name)\n`)
  write(source, "test_it.py", () => "def test_it():\n    pass\n")
  const plain = await run("lint", source)
  expect(plain.exitCode, plain.all).toBe(1)
  expect(plain.stderr).toContain(
    "lint: ruff found 1 error\n  app.py:3:7 F821 Undefined name `name`\n",
  )
  const types = await run("types", source)
  expect(types.stdout.trim()).toBe("types skipped: no type checker is configured")

  write(source, "app.py", () => `${word} = 1  # TODO: more\n`)
  write(
    source,
    ".pre-commit-config.yaml",
    () => `repos:
  - repo: local
    hooks:
      - {id: no-todo, name: no TODO, entry: TODO, language: pygrep, types: [python]}
`,
  )
  const hooked = await run("lint", source)
  expect(hooked.exitCode, hooked.all).toBe(1)
  expect(words(hooked.stderr, source)).toContain(
    `lint: pre-commit found 1 error\n  app.py:1 no-todo ${word} = 1  # TODO: more\n`,
  )
})

test("hooks of another repository are fetched from it at the version that is pinned", async () => {
  const hooks = path.join(folder(), "hooks")
  const git = $({ cwd: hooks, quiet: true })
  mkdirSync(hooks)
  write(
    hooks,
    ".pre-commit-hooks.yaml",
    () => `- {id: ${word}, name: ${word}, entry: SHOUT, language: pygrep, types: [python]}\n`,
  )
  await git`git init --quiet --initial-branch main`
  await git`git add --all`
  await git`git -c user.name=me -c user.email=me@example.com commit --quiet --message hooks`
  await git`git tag v1.2.0`
  await git`git update-server-info`
  const server = createServer(({ url = "" }, answer) => {
    const file = path.join(hooks, ".git", path.normalize(new URL(url, "http://host").pathname))
    if (!existsSync(file)) return void answer.writeHead(404).end()
    answer.end(readFileSync(file))
  }).listen(0, "127.0.0.1")
  onTestFinished(() => void server.close())
  await once(server, "listening")
  const { port } = server.address() as AddressInfo

  const source = folder()
  write(source, "requirements.txt", () => "")
  write(source, "app.py", () => "x = 1  # SHOUT\n")
  const pinned = (rev: string) => `repos:
  - repo: http://127.0.0.1:${port}
    rev: ${rev}
    hooks: [{id: ${word}}]
`
  write(source, ".pre-commit-config.yaml", () => pinned("v1.2.0"))
  const red = await run("lint", source)
  expect(red.exitCode, red.all).toBe(1)
  expect(words(red.stderr, source)).toContain(`app.py:1 ${word} x = 1  # SHOUT\n`)
  writeFileSync(path.join(source, "app.py"), "x = 1\n")
  const green = await run("lint", source)
  expect(green.exitCode, green.all).toBe(0)
  writeFileSync(path.join(source, ".pre-commit-config.yaml"), pinned("v9.9.9"))
  const lost = await run("lint", source)
  expect([lost.exitCode, lost.all]).toEqual([
    expect.toBeOneOf([2, 3]),
    expect.stringContaining("v9.9.9"),
  ])
})
