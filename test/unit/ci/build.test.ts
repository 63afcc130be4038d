import { expect, test } from "vitest"
import { decideBuild } from "../../../ci/src/project/build.ts"
import { constraintsOf } from "../../../ci/src/project/constraints.ts"
import { planOf, probedFixture, pythonHas } from "./fixtures.ts"

const able = pythonHas("tomllib", "packaging")

test.skipIf(!able)("a package is built where its files are, and nothing else is", () => {
  expect(planOf("uv_library").build).toEqual({
    locals: [],
    environment: {},
    repository: false,
    ignore: [],
  })
  expect(planOf("uv_workspace_member").build?.directory).toBe("packages/member")
  expect(planOf("uv_app").build).toBeUndefined()
  expect(planOf("pyproject_config_only").build).toBeUndefined()
  expect(planOf("pip_requirements_local_library").build).toBeUndefined()
  expect(planOf("poetry_package_mode_false").build).toBeUndefined()
  expect(planOf("pip_requirements_editable_self").build).toBeDefined()
})

test.skipIf(!able)("the members that a package depends on are built for it", () => {
  const { facts } = probedFixture("uv_workspace")
  expect(decideBuild(facts, "uv", undefined)).toBeUndefined()
  const members = facts.uvLock?.members.map((one) => ({ ...one, kind: "editable" as const })) ?? []
  const uvLock = facts.uvLock && { ...facts.uvLock, members }
  const build = decideBuild({ ...facts, ...(uvLock && { uvLock }) }, "uv", undefined)
  expect(build).toMatchObject({ locals: ["packages/member"] })
  expect(build?.directory).toBeUndefined()
})

test.skipIf(!able)("a version that no file of this very source says is a stand-in", () => {
  expect(planOf("vcs_version_setting").build?.standIn).toBeUndefined()
  expect(planOf("vcs_version_fallback").build?.standIn).toBe("1.2.3")
})

test.skipIf(!able)("git says which files there are only to setuptools", () => {
  const { facts } = probedFixture("vcs_version_fallback")
  const using = (backend: string, ...requires: string[]): boolean | undefined => {
    const pyproject = facts.pyproject && {
      ...facts.pyproject,
      build: { backend, requires, inTree: false },
    }
    return decideBuild({ ...facts, ...(pyproject && { pyproject }) }, "pip", undefined)?.repository
  }
  expect(using("setuptools.build_meta", "setuptools", "setuptools-scm[toml]>=8")).toBe(true)
  expect(using("setuptools.build_meta", "setuptools_scm")).toBe(true)
  expect(using("setuptools.build_meta", "setuptools-git-versioning")).toBe(false)
  expect(using("hatchling.build", "hatchling", "hatch-vcs")).toBe(false)
  expect(using("pbr.build", "pbr>=6.1.1")).toBe(true)
})

test("constraints are what a lock says of one version from an index", () => {
  const lock = `version = 1

[[package]]
name = "demo"
version = "0.0.0"
source = { editable = "." }

[[package]]
name = "idna"
version = "3.20"
source = { registry = "https://pypi.org/simple" }
dependencies = [
    { name = "numpy", version = "2.0", source = { registry = "https://pypi.org/simple" } },
]

[package.metadata]
requires-dist = [{ name = "x" }]

[[package]]
name = "numpy"
version = "1.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "numpy"
version = "2.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "from-git"
version = "1.0"
source = { git = "https://example.com/x?rev=1#2" }
`
  const uv = { documents: { "uv.lock": lock }, selection: [], verify: true, provided: [] }
  expect(constraintsOf({ kind: "uv", ...uv })).toBe("idna==3.20\n")
  const requirements = [
    "idna==3.20 --hash=sha256:0",
    'colorama==0.4 ; sys_platform == "win32" --hash=sha256:0',
    "rich[extra]==14.0",
    "open>=1,<2",
    "wild==1.*",
    "https://example.com/x.whl",
  ].join("\n")
  expect(constraintsOf({ kind: "locked", requirements, indexes: [], provided: [] })).toBe(
    "idna==3.20\ncolorama==0.4\nrich==14.0\n",
  )
  const document = `lock-version = "1.0"

[[packages]]
name = "idna"
version = "3.20"
index = "https://pypi.org/simple"
sdist = { name = "idna-3.20.tar.gz" }

[[packages]]
name = "from-git"
version = "1.0"
vcs = { type = "git", url = "https://example.com/x" }
`
  expect(constraintsOf({ kind: "pylock", document, selection: [], provided: [] })).toBe(
    "idna==3.20\n",
  )
  expect(constraintsOf({ kind: "none" })).toBe("")
})

test.skipIf(!able)("settings of audit are in the plan only where there are any", () => {
  expect(planOf("uv_library").audit).toBeUndefined()
  expect(planOf("settings_audit_ignore").audit).toEqual({
    ignore: [
      { id: "GHSA-aaaa-bbbb-cccc" },
      { id: "CVE-2030-1", reason: "the parser it is in is not used", until: "2031-12-31" },
    ],
    service: "https://osv.example.com/",
  })
})
