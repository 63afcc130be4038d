import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { PackageIndex } from "../contract/servers/packages.ts"
import { atTerminal, example, folder, pyline } from "./pyline.ts"

// `--debug` at a terminal: a shell in the container that made the run red, and the run's own end after it.

let index: PackageIndex
beforeAll(async () => {
  index = await PackageIndex.start()
})
afterAll(() => index.down())

/** A project of one test that has what it compares from a file. The word makes it one that no engine has seen. */
function project(answer: number, requirements = ""): string {
  const source = folder()
  mkdirSync(path.join(source, "tests"))
  writeFileSync(
    path.join(source, "tests/test_it.py"),
    `import unittest

# ${Date.now()}

class It(unittest.TestCase):
    def test_it(self):
        self.assertEqual(42, ${answer})
`,
  )
  if (requirements !== "") writeFileSync(path.join(source, "requirements.txt"), requirements)
  return source
}

const test1 = (source: string) => ["test", "--source", source, "--debug"]

test("a red test: the container that it left, then its verdict; the terminal is as it was", async () => {
  const seen = await atTerminal(test1(project(41)), [
    { see: "# ", type: "stty size; echo $((6*7)) in $(pwd); touch here\r" },
    { see: "42 in /app", type: "python -m unittest discover -s tests 2>&1 | tail -1\r" },
    { see: "FAILED (failures=1)", type: "exit 5\r" },
  ])
  expect(seen.left, seen.shown).toEqual([])
  expect(seen.shown).toContain("a shell in the container of the tests (Python 3.13)")
  expect(seen.shown).toContain(
    "the tests run again with: python -m unittest discover -s tests -k '*test_it.It.test_it'",
  )
  expect(seen.shown).toMatch(/\b33 111\b/)
  const after = seen.shown.slice(seen.shown.lastIndexOf("exit 5"))
  expect(after).toContain("error[TESTS_FAILED]: 1 of 1 test failed (unittest, Python 3.13)")
  expect(after).not.toContain("--debug")
  expect(seen).toMatchObject({ status: 1, sane: true })
})

test("a step that fails: the container before it", async () => {
  const seen = await atTerminal(test1(project(42, `--index-url ${index.url}\ndemo==1.0\n`)), [
    { see: "# ", type: "uv pip install -r requirements.txt; exit\r" },
    { see: "No solution found", type: "" },
  ])
  expect(seen.left, seen.shown).toEqual([])
  expect(seen.shown).toContain("the step runs again with: uv pip install -r requirements.txt")
  expect(seen).toMatchObject({ status: 2, sane: true })
})

test("a red check: the container in which it ran, with the project and its tools", async () => {
  const source = project(42)
  writeFileSync(path.join(source, "wrong.py"), `print(wrong_${Date.now()})\n`)
  const seen = await atTerminal(
    ["lint", "--source", source, "--debug"],
    [{ see: "# ", type: "ls wrong.py && /opt/pyline/check-tools/ruff/bin/ruff --version; exit\r" }],
  )
  expect(seen.left, seen.shown).toEqual([])
  expect(seen.shown).toMatch(/the step runs again with: .*run_tools.py --check lint/)
  expect(seen.shown).toMatch(/wrong\.py\s+ruff \d/)
  expect(seen.shown).toContain("error[CHECK_FAILED]: lint: ruff found 1 error")
  expect(seen).toMatchObject({ status: 1, sane: true })
})

test("a wheel that does not work: the clean environment that it was installed into", async () => {
  const source = example("library-src")
  const broken = `raise RuntimeError("broken since ${Date.now()}")\n`
  writeFileSync(path.join(source, "src/slugs/__init__.py"), broken)
  const seen = await atTerminal(
    ["build", "--source", source, "--debug"],
    [{ see: "# ", type: "python -c 'import slugs' 2>&1 | tail -1; ls /dist; exit\r" }],
  )
  expect(seen.left, seen.shown).toEqual([])
  expect(seen.shown).toMatch(
    /the step runs again with: .*try_dist.py \/dist\/slugs-1.2.0-py3-none-any.whl/,
  )
  expect(seen.shown).toMatch(
    /RuntimeError: broken since \d+\s+slugs-1.2.0-py3-none-any.whl +slugs-1.2.0.tar.gz/,
  )
  expect(seen.shown).toContain("error[CHECK_FAILED]: build: ")
  expect(seen).toMatchObject({ status: 1, sane: true })
})

test("a build that ends: the container before it", async () => {
  const source = example("library-src")
  writeFileSync(
    path.join(source, "pyproject.toml"),
    `[build-system]
requires = []
build-backend = "nothing_${Date.now()}"
backend-path = ["."]

[project]
name = "slugs"
version = "1.2.0"
`,
  )
  const seen = await atTerminal(
    ["build", "--source", source, "--debug"],
    [{ see: "# ", type: "ls pyproject.toml && exit\r" }],
  )
  expect(seen.left, seen.shown).toEqual([])
  expect(seen.shown).toContain("the step runs again with: ")
  expect(seen.shown).toContain("error[BUILD_FAILED]")
  expect(seen).toMatchObject({ status: 2, sane: true })
})

test("a command that is ended while somebody works in the shell gives the terminal back", async () => {
  const seen = await atTerminal(test1(project(41)), [
    { see: "# ", type: "echo $((40+2)); sleep 600\r" },
    { see: "42", signal: "SIGTERM" },
  ])
  expect(seen.left, seen.shown).toEqual([])
  expect(seen).toMatchObject({ status: 130, sane: true })
})

test("a green run opens none", async () => {
  const seen = await atTerminal(test1(project(42)), [])
  expect(seen.shown).toMatch(/1 passed in/)
  expect(seen.shown).not.toContain("a shell")
  expect(seen).toMatchObject({ status: 0, sane: true })
})

test("without a terminal nothing is begun", async () => {
  const run = await pyline(test1(project(41)))
  expect(run.exitCode, run.all).toBe(2)
  expect(run.all).toBe(
    "error[USAGE]: --debug opens a shell, and there is no terminal here\nfix: run it at a terminal, with neither its input nor its output redirected\n",
  )
})
