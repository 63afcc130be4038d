import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import type { Facts } from "../../../ci/src/project/facts.ts"
import { SUPPORTED } from "../../../ci/src/project/python.ts"
import { probeDirectory, probedFixture, pythonHas } from "./fixtures.ts"

const made: string[] = []
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function project(files: Record<string, string | Buffer>): string {
  const directory = mkdtempSync(join(tmpdir(), "pyline-probe-"))
  made.push(directory)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  return directory
}

function run(directory: string): Facts {
  const args = ["-B", join(probeDirectory, "probe.py"), directory, "--python", SUPPORTED.join(",")]
  return JSON.parse(execFileSync("python3", args, { encoding: "utf8", maxBuffer: 1 << 26 }))
}

const able = pythonHas("tomllib", "packaging")

describe.skipIf(!able)("the probe (skipped where python3 has no tomllib or packaging)", () => {
  test("the program prints the facts as one line and ends with status 0", () => {
    const facts = run(
      project({ "pyproject.toml": "[project]\nname = 'demo'\nversion = '1'\n", "main.py": "" }),
    )
    expect(facts).toMatchInlineSnapshot(`
      {
        "classifiers": [],
        "environments": [],
        "errors": [],
        "files": [
          "pyproject.toml",
        ],
        "locks": [],
        "missing": [],
        "pyproject": {
          "buildHooks": [],
          "buildReads": [],
          "dynamicDependencies": false,
          "groups": {},
          "metadata": {
            "scripts": {},
            "version": "1",
          },
          "project": {
            "dependencies": [],
            "dynamic": [],
            "extras": {},
            "name": "demo",
            "version": "1",
          },
          "tools": [],
        },
        "python": [],
        "requirements": [],
        "schema": 1,
        "scripts": [],
        "testConfig": [],
      }
    `)
  })

  test("a hostile tree gives named errors", () => {
    const outside = project({ "secret.toml": "[project]\nname = 'stolen'\n" })
    const directory = project({
      "requirements.txt": "",
      "setup.cfg": `[metadata]\nname = x\n${"x".repeat(10)}`,
      "tox.ini": "no section\n",
      "setup.py": `${"(".repeat(5000)}${")".repeat(5000)}`,
    })
    symlinkSync(join(outside, "secret.toml"), join(directory, "pyproject.toml"))
    truncateSync(join(directory, "requirements.txt"), 1_000_000_000)
    execFileSync("python3", [
      "-c",
      "import os, sys; os.mkfifo(sys.argv[1])",
      join(directory, ".python-version"),
    ])
    const { errors, pyproject } = run(directory)
    expect(pyproject).toBeUndefined()
    expect(errors).toMatchInlineSnapshot(`
      [
        {
          "file": "pyproject.toml",
          "message": "is a link to a file outside of the project",
        },
        {
          "file": "setup.cfg",
          "line": 3,
          "message": "is not valid INI",
        },
        {
          "column": 201,
          "file": "setup.py",
          "line": 1,
          "message": "is not valid Python 3: too many nested parentheses",
        },
        {
          "file": "tox.ini",
          "line": 1,
          "message": "has no section header",
        },
        {
          "file": "requirements.txt",
          "message": "is larger than 2 MB",
        },
        {
          "file": ".python-version",
          "message": "is not a regular file",
        },
      ]
    `)
  })

  test("deep nesting is an error and not a crash", () => {
    const { errors } = run(project({ "pyproject.toml": `x = ${"[".repeat(100_000)}` }))
    expect(errors).toEqual([
      { file: "pyproject.toml", message: "is not valid TOML: nested too deeply" },
    ])
  })

  test("code of the project is not run", () => {
    const marker = join(project({}), "ran")
    const code = `open(${JSON.stringify(marker)}, "w")\n`
    run(
      project({ "setup.py": code, "conftest.py": code, "packaging.py": code, "tomllib.py": code }),
    )
    expect(() => execFileSync("test", ["-e", marker])).toThrow()
  })

  test("a lock without the project's own version is the same after a version bump", () => {
    const before = probedFixture("uv_library").facts.uvLock?.documents
    const after = probedFixture("uv_library_bumped").facts.uvLock?.documents
    expect(before).toBeDefined()
    expect(after).toEqual(before)
    expect(before?.["pyproject.toml"]).toMatchInlineSnapshot(`
    "[project]
    name = "demo"
    requires-python = ">=3.10"
    dependencies = ["click>=8"]
    version = "0.0.0"
    [build-system]
    requires = ["hatchling"]
    build-backend = "hatchling.build"
    [dependency-groups]
    test = ["pytest"]
    "
  `)
  })

  test("the documents of a workspace have its members", () => {
    const { documents, members } = probedFixture("uv_workspace").facts.uvLock ?? {}
    expect(Object.keys(documents ?? {})).toEqual([
      "uv.lock",
      "packages/member/pyproject.toml",
      "pyproject.toml",
    ])
    expect(members?.map(({ name, path, kind }) => ({ name, path, kind }))).toEqual([
      { name: "member", path: "packages/member", kind: "editable" },
      { name: "root", path: ".", kind: "virtual" },
    ])
  })
})
