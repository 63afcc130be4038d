import { createHash, randomUUID } from "node:crypto"
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { example, folder, pyline } from "./pyline.ts"

/** A project of these files. */
function project(files: Record<string, string>): string {
  const source = folder()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(source, name)), { recursive: true })
    writeFileSync(path.join(source, name), text)
  }
  return source
}

const digests = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory)
      .sort()
      .map((name) => [
        name,
        createHash("sha256")
          .update(readFileSync(path.join(directory, name)))
          .digest("hex"),
      ]),
  )

test("a package becomes an sdist and a wheel, which are installed, imported and asked for help", async () => {
  const source = example("library-src")
  appendFileSync(path.join(source, "README.md"), `\n${randomUUID()}\n`)
  const dist = path.join(folder(), "dist")
  const run = await pyline(["build", "--source", source, "-o", dist])
  expect(run.exitCode, run.all).toBe(0)
  expect(readdirSync(dist).sort()).toEqual(["slugs-1.2.0-py3-none-any.whl", "slugs-1.2.0.tar.gz"])
  expect(run.all).toMatch(
    /build: slugs-1\.2\.0\.tar\.gz \([^)]+\), slugs-1\.2\.0-py3-none-any\.whl \([^)]+\), 1 module imported, 1 script answering/,
  )
})

test("what is wrong with it is named, with its place, and the exit status is 1", async () => {
  const source = example("library-src")
  writeFileSync(path.join(source, ".env"), `PASSWORD=${randomUUID()}\n`)
  writeFileSync(path.join(source, "src/slugs/command.py"), "\nimport not_declared\n")
  writeFileSync(path.join(source, "src/slugs/__init__.py"), "from slugs import command\n")
  const run = await pyline(["build", "--source", source])
  expect(run.exitCode, run.all).toBe(1)
  expect(run.stderr.slice(run.stderr.indexOf("error[")).replace(/^docs:[\s\S]*/m, "")).toBe(
    `error[CHECK_FAILED]: build: slugs 1.2.0: 3 errors, 1 warning
  .env secret slugs-1.2.0.tar.gz has .env
  src/slugs/command.py:2 import import slugs: ModuleNotFoundError: No module named 'not_declared'
  src/slugs/command.py:2 script slug --help: ModuleNotFoundError: No module named 'not_declared'
  if that is meant to be so: [tool.pyline] build-ignore = ["secret:.env", "import:slugs", "script:slug"]
reproduce: uv build
`,
  )
  const out = folder()
  const reports = await pyline(["reports", "--source", source, "--only", "build", "-o", out])
  expect(reports.exitCode, reports.all).toBe(0)
  const read = (name: string) => readFileSync(path.join(out, name), "utf8")
  expect(JSON.parse(read("check-build.json"))).toMatchObject({ check: "build", outcome: "failed" })
  // What has no place in a file is in the other reports alone: a host refuses it.
  const { runs } = JSON.parse(read("build.sarif")) as { runs: { results: unknown[] }[] }
  expect(runs.flatMap(({ results }) => results)).toHaveLength(3)
  expect(read("index.html")).toContain("No module named &#x27;not_declared&#x27;")
})

test("an sdist from which the wheel cannot be built names what it lacks", async () => {
  const source = project({
    "setup.py": `from setuptools import setup\nsetup(name="demo", version="1.0", packages=["demo"], description=open("words.txt").read().strip())\n`,
    "words.txt": randomUUID(),
    "demo/__init__.py": "",
  })
  const run = await pyline(["build", "--source", source])
  expect(run.exitCode, run.all).toBe(2)
  expect(run.stderr).toContain("error[BUILD_FAILED]: demo could not be built")
  expect(run.stderr).toContain(
    "  the sdist was built, but the wheel could not be built from it\n  the sdist lacks words.txt\nfix: take words.txt into the sdist",
  )
})

test("an sdist that nobody could unpack is refused, with what is wrong in it", async () => {
  const source = example("library-src")
  symlinkSync(`/nowhere/${randomUUID()}`, path.join(source, "elsewhere"))
  const run = await pyline(["build", "--source", source])
  expect(run.exitCode, run.all).toBe(2)
  expect(run.stderr).toMatch(
    /error\[BUILD_FAILED\]: slugs could not be built\n[\s\S]* {2}the sdist cannot be unpacked: .*slugs-1.2.0\/elsewhere.*\nfix: leave what is named there out of the sdist/,
  )
})

test("a project that is no package is skipped, with the reason", async () => {
  const source = example("unittest-stdlib")
  writeFileSync(path.join(source, "pyproject.toml"), `# ${randomUUID()}\n[tool.ruff]\n`)
  const run = await pyline(["build", "--source", source])
  expect(run.exitCode, run.all).toBe(0)
  expect(run.stdout).not.toContain(".whl")
  expect(run.stderr).toContain("build skipped: no file describes a package")
})

describe("a member of a workspace that has its version and its files from git", () => {
  const files = {
    "pyproject.toml": `[tool.uv.workspace]\nmembers = ["packages/*"]\n\n[tool.pyline]\npackage = "app"\n`,
    "uv.lock": `version = 1
revision = 3
requires-python = ">=3.11"

[manifest]
members = ["app", "core-of-it"]

[[package]]
name = "app"
source = { editable = "packages/app" }
dependencies = [{ name = "core-of-it" }]

[package.metadata]
requires-dist = [{ name = "core-of-it", editable = "packages/core" }]

[[package]]
name = "core-of-it"
version = "0.1"
source = { editable = "packages/core" }
`,
    "packages/core/pyproject.toml": `[project]
name = "core-of-it"
version = "0.1"
requires-python = ">=3.11"

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
`,
    "packages/core/core_of_it/__init__.py": "ANSWER = 42\n",
    "packages/app/pyproject.toml": `[project]
name = "app"
dynamic = ["version"]
requires-python = ">=3.11"
dependencies = ["core-of-it"]

[project.scripts]
answer = "app:main"

[tool.uv.sources]
core-of-it = { workspace = true }

[build-system]
requires = ["setuptools", "setuptools-scm"]
build-backend = "setuptools.build_meta"

[tool.setuptools_scm]
root = "../.."
`,
    "packages/app/src/app/__init__.py": `import importlib.resources\nimport core_of_it\n\nDATA = importlib.resources.files(__name__).joinpath("data.txt").read_text()\n\n\ndef main():\n    print(core_of_it.ANSWER, DATA)\n`,
    "packages/app/src/app/data.txt": randomUUID(),
  }

  test("is built with all of them, and the same inputs give the same bytes", async () => {
    const made = []
    for (let round = 0; round < 2; round++) {
      // A file of the repository that is no input of the package, so that it is really built twice.
      const source = project({ ...files, "notes.txt": randomUUID() })
      const dist = path.join(folder(), "dist")
      const run = await pyline([
        "build",
        "--source",
        source,
        "-o",
        dist,
        "--package-version",
        "2.5",
      ])
      expect(run.exitCode, run.all).toBe(0)
      expect(run.all).toContain("Successfully built")
      expect(run.all).toMatch(/build: .*1 module imported, 1 script answering/)
      made.push(digests(dist))
    }
    expect(Object.keys(made[0] ?? {})).toEqual(["app-2.5-py3-none-any.whl", "app-2.5.tar.gz"])
    expect(made[1]).toEqual(made[0])
  })
})
