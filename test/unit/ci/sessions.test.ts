import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import type { Facts } from "../../../ci/src/project/facts.ts"
import { linesFor, sessionsOf } from "../../../ci/src/project/sessions.ts"
import { probeDirectory } from "./fixtures.ts"

const facts = (kind: "tox" | "nox", names: string[], sessions?: string[]): Facts =>
  ({
    sessions: { [kind]: { file: "", names } },
    ...(sessions === undefined ? {} : { settings: { file: "pyline.toml", sessions } }),
  }) as unknown as Facts

describe("environments of tox", () => {
  test.each([
    ["those for the version", ["py311-a", "py313-a", "py313-b", "lint"], ["py313-a", "py313-b"]],
    ["also as tox writes them now", ["3.12", "3.13", "type"], ["3.13"]],
    ["none for linters and the like", ["py313-mypy", "py313", "docs"], ["py313"]],
    ["those that name no version", ["py310", "tests", "py3-docs"], ["tests"]],
    ["any Python", ["lint", "py"], ["py"]],
    ["py, where none fits", ["py39", "py310", "lint"], ["py"]],
    ["not those of another Python", ["pypy313", "py31", "py3130"], ["py"]],
  ])("%s", (_, all, names) => {
    expect(sessionsOf(facts("tox", all), "tox", "3.13").names).toEqual(names)
  })

  test("what a file lists for some of them", () => {
    const lines = [
      { path: "a" },
      { path: "b", factors: "py311,py313-django51" },
      { path: "c", factors: "!django51" },
    ]
    const paths = (environment: string) => linesFor(lines, environment).map(({ path }) => path)
    expect(paths("py313-django51")).toEqual(["a", "b"])
    expect(paths("py311-django42")).toEqual(["a", "b", "c"])
    expect(paths("py313")).toEqual(["a", "c"])
  })
})

describe("sessions of nox", () => {
  test.each([
    ["tests", ["lint", "tests", "test-docs"], ["tests"]],
    [
      "several that are named after tests",
      ["lint", "unit-tests", "test_django"],
      ["unit-tests", "test_django"],
    ],
    ["none by name: nox takes those of its own options", ["check", "latest"], []],
  ])("%s", (_, all, names) => {
    expect(sessionsOf(facts("nox", all), "nox", "3.13").names).toEqual(names)
  })

  test("the setting decides", () => {
    expect(sessionsOf(facts("nox", ["tests", "slow"], ["slow"]), "nox", "3.13").names).toEqual([
      "slow",
    ])
  })
})

describe("reports of several sessions", () => {
  const made: string[] = []
  afterAll(() => {
    for (const directory of made) rmSync(directory, { recursive: true, force: true })
  })

  function gathered(reports: Record<string, string>): { xml?: string; parts: string } {
    const directory = mkdtempSync(join(tmpdir(), "pyline-sessions-"))
    made.push(directory)
    const parts = join(directory, ".sessions")
    for (const [name, xml] of Object.entries(reports)) {
      mkdirSync(join(parts, name), { recursive: true })
      const at = join(parts, name, "junit.xml")
      if (xml.startsWith("/")) symlinkSync(xml, at)
      else writeFileSync(at, xml)
    }
    const junit = join(directory, "junit.xml")
    const code =
      "import sys; sys.path.insert(0, sys.argv[1]); from pyline_suite.sessions import gather; gather(*sys.argv[2:])"
    execFileSync("python3", ["-c", code, probeDirectory, parts, junit])
    return existsSync(junit) ? { xml: readFileSync(junit, "utf8"), parts } : { parts }
  }
  const suite = (name: string) =>
    `<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="1"><testcase name="${name}"/></testsuite></testsuites>`

  test("one is taken as it is", () => {
    const { xml, parts } = gathered({ py313$NOX_CURRENT_SESSION: suite("a") })
    expect(xml).toBe(suite("a"))
    expect(existsSync(parts)).toBe(false)
  })

  test("several become one, each a suite of its name", () => {
    const { xml } = gathered({
      "py313-a$NOX_CURRENT_SESSION": suite("a"),
      "$TOX_ENV_NAMEtests(b='1')": suite("b"),
    })
    expect(xml?.match(/<testsuite name="[^"]+"/g)?.sort()).toEqual([
      '<testsuite name="py313-a"',
      "<testsuite name=\"tests(b='1')\"",
    ])
  })

  test("what is no report is left out", () => {
    const bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]><testsuites>&b;</testsuites>'
    const { xml } = gathered({ a: suite("a"), b: bomb, c: "/etc/passwd", d: "<testsuites>" })
    expect(xml).toBe(suite("a"))
    expect(gathered({ b: bomb }).xml).toBeUndefined()
  })
})
