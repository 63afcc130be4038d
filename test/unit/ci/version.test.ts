import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { versionFromGit } from "../../../ci/src/project/version.ts"
import { probe, pythonHas } from "./fixtures.ts"

const made: string[] = []
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true })
})

const SCM = `[build-system]
requires = ["setuptools", "setuptools-scm>=8"]

[project]
name = "demo-package"
dynamic = ["version"]
`
const HEX = "0123456789012345678901234567890123456789"

/** Versions of projects made of these files. */
function versionsOf(projects: Record<string, string>[]) {
  const directories = projects.map((files) => {
    const directory = mkdtempSync(join(tmpdir(), "pyline-version-"))
    made.push(directory)
    for (const [path, text] of Object.entries({ "pyproject.toml": SCM, ...files })) {
      mkdirSync(dirname(join(directory, path)), { recursive: true })
      writeFileSync(join(directory, path), text)
    }
    return directory
  })
  const probed = probe(directories)
  return directories.map((directory) => {
    const facts = probed[directory]?.facts
    return facts === undefined ? undefined : versionFromGit(facts)
  })
}

const tags = (...names: string[]) => ({
  ".git/packed-refs": `# pack-refs with: peeled fully-peeled sorted\n${HEX} refs/heads/v9.0\n${names.map((name) => `${HEX} refs/tags/${name}\n^${HEX}\n`).join("")}`,
})

describe.skipIf(!pythonHas("tomllib", "packaging"))("versions that come from git", () => {
  const hatch = (version: string) =>
    `[build-system]\nrequires = ["hatchling", "hatch-vcs"]\n[project]\nname = "demo"\ndynamic = ["version"]\n[tool.hatch.version]\nsource = "vcs"\n${version}`
  const cases: [string, Record<string, string>, string][] = [
    ["the highest of packed tags", tags("v1.9.0", "v1.10.0", "nightly"), "1.10.0"],
    [
      "loose tags too",
      { ...tags("v1.0"), ".git/refs/tags/v2.0.1": HEX, ".git/refs/tags/a/b": HEX },
      "2.0.1",
    ],
    ["a pre-release that is the highest", tags("1.0", "2.0rc1"), "2.0rc1"],
    ["tags with a prefix", tags("demo-package-1.2"), "1.2"],
    [
      "a pattern of the project's own",
      { "pyproject.toml": hatch("tag-pattern = 'rel_(.+)'"), ...tags("rel_3.1", "v9") },
      "3.1",
    ],
    [
      "tags that the project's own call of git picks",
      {
        "pyproject.toml": `${SCM}[tool.setuptools_scm]\ngit_describe_command = "git describe --tags --match 'a-*'"\n`,
        ...tags("a-1.0", "b-2.0"),
      },
      "1.0",
    ],
    ["the setting before tags", { ...tags("v1.0"), "pyline.toml": 'version = "7.7"\n' }, "7.7"],
    ["PKG-INFO before tags", { ...tags("v1.0"), "PKG-INFO": "Version: 6.6\n" }, "6.6"],
    [
      "tags before a fallback",
      {
        ...tags("v1.0"),
        "pyproject.toml": `${SCM}[tool.setuptools_scm]\nfallback_version = "0.1"\n`,
      },
      "1.0",
    ],
    [
      "setup.py that asks",
      {
        "pyproject.toml": "",
        "setup.py": "from setuptools import setup\nsetup(name='a', use_scm_version=True)\n",
        ...tags("v1.0"),
      },
      "1.0",
    ],
  ]
  const found = versionsOf(cases.map(([, files]) => files))

  test.each(cases.map(([name, , version], index) => [name, version, index] as const))(
    "%s",
    (_, version, index) => {
      expect(found[index]?.version).toBe(version)
      expect(found[index]?.warnings).toEqual([])
      expect(Object.values(found[index]?.environment ?? {})).toContain(version)
    },
  )

  test("where nothing tells it, the reason is said", () => {
    const [none, untagged, shallow, worktree, words] = versionsOf([
      {},
      { ".git/packed-refs": "" },
      { ".git/shallow": `${HEX}\n` },
      { ".git": "gitdir: /elsewhere\n" },
      tags("nightly"),
    ])
    const reason = (one: typeof none) => /git, and (.+?) \(/.exec(one?.warnings[0] ?? "")?.[1]
    expect([none, untagged, shallow, worktree, words].map(reason)).toEqual([
      "there is no .git",
      "the repository has no tags",
      "this shallow clone has no tags",
      ".git is a link to a repository elsewhere, as in worktrees and submodules",
      "no tag is a version",
    ])
    expect(none?.version).toBe("0.0.0")
  })

  test("versioningit is given a file, since it knows no variable", () => {
    const [version] = versionsOf([
      {
        "pyproject.toml": `[build-system]\nrequires = ["hatchling", "versioningit"]\n[project]\nname = "demo"\ndynamic = ["version"]\n`,
        ...tags("v1.0"),
      },
    ])
    expect(version?.files).toEqual({
      "PKG-INFO": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    })
  })

  test("a project with a version of its own is not asked", () => {
    const own = SCM.replace('dynamic = ["version"]', 'version = "5.0"')
    const [listed, plain] = versionsOf([
      { "pyproject.toml": own, ...tags("v1.0") },
      { "pyproject.toml": own.replace(', "setuptools-scm>=8"', ""), ...tags("v1.0") },
    ])
    expect(listed?.decision).toBeUndefined()
    expect(plain).toBeUndefined()
  })
})
