import { readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { fixture, lastLine, pyline } from "./pyline.ts"

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
