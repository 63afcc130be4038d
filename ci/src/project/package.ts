import type { Facts, Lock } from "./facts.ts"
import { packageNames } from "./layout.ts"
import { placesOf } from "./lock.ts"
import type { Decision, Manager, PackageInstall } from "./plan.ts"
import { withIncludes } from "./requirements.ts"
import type { TestDependencies } from "./testDependencies.ts"
import { toldVersion } from "./version.ts"

/** Backends that read their configuration, the names of packages and the files the configuration names. */
const DECLARATIVE = [
  /^flit_core\.buildapi$/,
  /^hatchling\.build$/,
  /^poetry\.core\.masonry\.api$/,
  /^pdm\.backend$/,
  /^uv_build$/,
  /^setuptools\.build_meta(:__legacy__)?$/,
]

const ALWAYS_READ = [
  "pyproject.toml",
  "setup.py",
  "setup.cfg",
  "MANIFEST.in",
  "hatch.toml",
  "PKG-INFO",
  "README*",
  "LICEN[CS]E*",
  "COPYING*",
  "NOTICE*",
  "AUTHORS*",
]
const COMPILED = [
  "c",
  "h",
  "cc",
  "cpp",
  "cxx",
  "hh",
  "hpp",
  "pyx",
  "pxd",
  "pxi",
  "s",
  "S",
  "f",
  "f90",
].map((ending) => `**/*.${ending}`)

/** How the project itself gets into the environment: editable, by its own build backend, or not at all. */
export function decidePackage(
  facts: Facts,
  manager: Manager,
  lock: Lock | undefined,
  names: readonly string[],
  lists: readonly string[],
  { groups, extras }: Pick<TestDependencies, "groups" | "extras">,
): { install?: PackageInstall; decision: Decision; systemPackages: string[]; warnings: string[] } {
  const { pyproject, setup } = facts
  const name = nameOf(facts)
  const files = withIncludes(facts, lists)
  const places = placesOf(groups, extras)
  const locals = [
    ...files.flatMap((file) => file.locals),
    ...(lock?.locals ?? []).filter((local) =>
      places.some((place) => local.in[place] !== undefined),
    ),
  ]
  const others = locals.filter(({ path }) => path !== ".")
  const file =
    pyproject?.build !== undefined || setup === undefined
      ? "pyproject.toml"
      : (setup.files.at(-1) ?? "setup.py")
  const decide = (value: string, rule: string, from?: string): Decision => ({
    about: "project",
    value,
    ...(from === undefined ? {} : { file: from }),
    rule,
    rejected: [],
  })

  const members = facts.uvLock?.members.filter(({ kind }) => kind !== "virtual") ?? []
  const isPackage =
    manager === "uv" ? members.length > 0 : isBuilt(facts, manager) || locals.length > 0
  if (!isPackage) {
    const rule =
      manager === "uv"
        ? "uv.lock has it as virtual: nothing is built"
        : facts.poetry?.package === false
          ? "tool.poetry.package-mode is false"
          : (pyproject !== undefined && !isDescribed(facts)) || pyproject === undefined
            ? "no file describes a package"
            : "pyproject.toml names no build system"
    return {
      decision: decide(
        "not installed",
        rule,
        facts.files.includes("pyproject.toml") ? "pyproject.toml" : undefined,
      ),
      systemPackages: [],
      warnings: [],
    }
  }

  const packages = packageNames(names)
  const why = readsEverything(facts, manager, names, packages, others.length > 0)
  const dynamic =
    lock !== undefined
      ? false
      : (pyproject?.dynamicDependencies ?? false) ||
        (pyproject?.project === undefined &&
          (setup?.dynamicDependencies ?? pyproject?.tools.includes("flit") ?? false))
  const target = dynamic && extras.length > 0 ? `.[${extras.join(",")}]` : "."
  const compiled = compilerFor(facts)
  const stubs = isText(facts) ? (pyproject?.readmes ?? []) : undefined
  const install: PackageInstall = {
    kind: manager === "uv" ? "uv" : "pip",
    reads:
      why === undefined ? readPatterns(facts, manager, compiled.length > 0, stubs) : "everything",
    names: why === undefined ? [...(packages ?? []), ...(stubs ?? [])] : [],
    targets:
      manager === "uv"
        ? []
        : [
            ...(isBuilt(facts, manager) || locals.some(({ path }) => path === ".")
              ? ["-e", target]
              : []),
            ...others.flatMap(({ path, extras: own, editable }) => {
              const local = `./${path}${own.length > 0 ? `[${own.join(",")}]` : ""}`
              return editable ? ["-e", local] : [local]
            }),
          ],
    withDependencies: lock === undefined && (dynamic || others.length > 0),
    ...toldVersion(facts),
  }
  const own = manager === "uv" || install.targets.includes(target)
  const what = own ? (name ?? "the project") : others.map(({ path }) => path).join(", ")
  const rule =
    why === undefined
      ? `built by ${backendOf(facts)} from its configuration and the names of its packages`
      : `built again after each edit: ${why}`
  return {
    install,
    decision: decide(`${what}, editable`, rule, file),
    systemPackages: compiled,
    warnings: [],
  }
}

const nameOf = ({ pyproject, poetry, setup }: Facts): string | undefined =>
  pyproject?.project?.name ?? poetry?.name ?? setup?.name

const isDescribed = ({ pyproject, poetry }: Facts): boolean =>
  pyproject?.project !== undefined ||
  poetry?.name !== undefined ||
  (pyproject?.tools.includes("flit") ?? false)

/** Whether the README is nothing but the long description: no code and no hook can have a use of its own for it. */
const isText = ({ pyproject, setup, files }: Facts): boolean =>
  pyproject?.build?.backend !== undefined &&
  !files.includes("setup.py") &&
  setup?.configOnly !== false &&
  !pyproject.tools.includes("flit") &&
  pyproject.buildHooks.length === 0 &&
  !pyproject.build.requires.some((requirement) => /readme/i.test(requirement))

/** Whether the project itself is a package that its files say how to build. */
export const isBuilt = (facts: Facts, manager: Manager): boolean =>
  (facts.pyproject?.build !== undefined &&
    isDescribed(facts) &&
    facts.poetry?.package !== false &&
    !(manager === "pdm" && facts.pyproject.distribution === false)) ||
  (facts.setup !== undefined && !facts.setup.configOnly)

const backendOf = (facts: Facts): string =>
  facts.pyproject?.build?.backend?.split(/[.:]/)[0] ?? "setuptools"

/** Why the install has to see every file, or `undefined` where it does not. */
function readsEverything(
  facts: Facts,
  manager: Manager,
  names: readonly string[],
  packages: readonly string[] | undefined,
  others: boolean,
): string | undefined {
  const { pyproject, setup } = facts
  const backend = pyproject?.build?.backend ?? "setuptools.build_meta:__legacy__"
  if (others) return "dependencies are directories of the project"
  if (
    manager === "uv" &&
    facts.uvLock?.members.some(({ path, kind }) => path !== "." && kind !== "virtual")
  ) {
    return "uv.lock has several packages of the project"
  }
  if (pyproject?.build?.inTree) return "the build backend is part of the project"
  if (!DECLARATIVE.some((known) => known.test(backend))) return `${backend} may read any file`
  const hook = pyproject?.buildHooks[0]
  if (hook !== undefined) return `${hook} may read any file`
  if (backend === "pdm.backend" && names.includes("pdm_build.py"))
    return "pdm_build.py may read any file"
  if (backend.startsWith("setuptools") && setup?.reads !== undefined) return setup.reads
  if (pyproject?.project === undefined && pyproject?.tools.includes("flit"))
    return "flit reads the module"
  return packages === undefined ? "there are too many packages to name" : undefined
}

function readPatterns(
  facts: Facts,
  manager: Manager,
  compiled: boolean,
  stubs: readonly string[] | undefined,
): string[] {
  const patterns = [...ALWAYS_READ, ...(facts.pyproject?.buildReads ?? [])].filter(
    (pattern) => stubs === undefined || (pattern !== "README*" && !stubs.includes(pattern)),
  )
  if (manager === "uv") patterns.push("uv.lock")
  if (compiled) patterns.push(...COMPILED)
  // flit takes a dynamic version or description out of the module itself.
  const isFlit = facts.pyproject?.build?.backend?.startsWith("flit")
  if (isFlit && (facts.pyproject?.project?.dynamic.length ?? 0) > 0) {
    patterns.push("*.py", "*/__init__.py", "src/*.py", "src/*/__init__.py")
  }
  return [...new Set(patterns)].sort()
}

function compilerFor(facts: Facts): string[] {
  const backend = facts.pyproject?.build?.backend ?? ""
  if (/^(mesonpy|scikit_build_core|skbuild|py_build_cmake|sipbuild|cffi_buildtool)/.test(backend))
    return ["gcc", "g++", "libc6-dev"]
  const compiles =
    facts.setup?.extensions || facts.pyproject?.buildHooks.includes("tool.setuptools.ext-modules")
  return compiles ? ["gcc", "libc6-dev"] : []
}
