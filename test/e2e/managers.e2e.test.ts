import { appendFileSync, cpSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { folder, lastLine, pyline, root } from "./pyline.ts"

/** A copy of a fixture, to be edited at will. */
function fixture(name: string): string {
  const copy = path.join(folder(), name)
  cpSync(path.join(root, "test/fixtures", name), copy, { recursive: true })
  return copy
}

/** Fixtures with a test that needs a dependency of each kind, and the Python versions they allow. */
const projects = [
  { name: "poetry_lock", versions: ["3.11", "3.13"] },
  { name: "poetry_lock_old", versions: ["3.11", "3.13"] },
  { name: "poetry_package_mode_false", versions: ["3.13"] },
  { name: "poetry_path_dependency", versions: ["3.13"] },
  { name: "pdm_lock", versions: ["3.11", "3.13"] },
  { name: "pipenv_lock", versions: ["3.11"] },
  { name: "pylock", versions: ["3.11", "3.13"] },
  { name: "scripts_inline_metadata", versions: ["3.13"] },
  { name: "uv_workspace_member", versions: ["3.11", "3.13"] },
  { name: "django_manage", versions: ["3.11", "3.13"] },
  { name: "django_pytest", versions: ["3.13"] },
  { name: "runner_tox", versions: ["3.13"] },
  { name: "runner_nox", versions: ["3.13"] },
  { name: "system_packages", versions: ["3.11", "3.13"] },
]

describe.each(projects)("$name", ({ name, versions }) => {
  test.each(versions)("its tests are green on Python %s", async (python) => {
    const run = await pyline(["test", "--source", fixture(name), "--python", python])
    expect(run.exitCode, run.all).toBe(0)
    expect(lastLine(run.stdout)).toMatch(/^\d+ passed in/)
  })
})

describe("a lock that was forgotten", () => {
  test.each([
    ["poetry_lock", "pyproject.toml", 'idna = "*"', 'idna = ">=2"', "fix: poetry lock"],
    ["pdm_lock", "pyproject.toml", '"idna"', '"idna>=2"', "fix: pdm lock"],
    ["pipenv_lock", "Pipfile", 'idna = "*"', 'idna = ">=2"', "fix: pipenv lock"],
  ])("%s: exit 2 and the command that mends it", async (name, file, from, to, fix) => {
    const source = fixture(name)
    const at = path.join(source, file)
    writeFileSync(at, readFileSync(at, "utf8").replace(from, to))
    const run = await pyline(["test", "--source", source])
    expect(run.exitCode, run.all).toBe(2)
    expect(run.all).toContain("error[LOCK_STALE]")
    expect(run.all).toContain(fix)
  })
})

test("a version bump and a README edit install no dependency again", async () => {
  const source = fixture("poetry_lock")
  writeFileSync(path.join(source, "README.md"), "# Demo\n")
  const at = path.join(source, "pyproject.toml")
  const text = readFileSync(at, "utf8").replace('description = ""', 'readme = "README.md"')
  writeFileSync(at, text)
  const first = await pyline(["test", "--source", source])
  expect(first.exitCode, first.all).toBe(0)
  writeFileSync(at, text.replace('version = "0.1.0"', `version = "0.${Date.now()}"`))
  const bumped = await pyline(["test", "--source", source])
  expect(bumped.all).not.toMatch(/^\[exec uv pip install --no-deps/m)
  appendFileSync(path.join(source, "README.md"), `${Date.now()}\n`)
  const edited = await pyline(["test", "--source", source])
  const installs = edited.all.match(/^\[exec uv .*\] done in/gm)
  expect(installs, edited.all).toBeNull()
})
