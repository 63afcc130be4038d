import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import type { CheckResult } from "../../../ci/src/pipeline/check.ts"
import { probeDirectory, pythonHas } from "./fixtures.ts"

const made: string[] = []
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

interface Case {
  metadata: string[]
  sdist: Record<string, string | undefined>
  wheel: Record<string, string | undefined>
  tag?: string
  record?: string
  licences?: string[]
  tried?: object[]
  "with-extras"?: object[]
}

const good: Case = {
  metadata: [
    "Name: demo",
    "Version: 1.0",
    "Requires-Python: >=3.9",
    "License-Expression: MIT",
    "License-File: LICENSE",
    "Description-Content-Type: text/markdown",
    "",
    "# Demo",
  ],
  sdist: {
    "demo-1.0/pyproject.toml": '[project]\nname = "demo"\nversion = "1.0"\n',
    "demo-1.0/LICENSE": "MIT",
    "demo-1.0/src/demo/__init__.py": "",
  },
  wheel: { "demo/__init__.py": "", "INFO/licenses/LICENSE": "MIT" },
}

/** What the check says of two archives that are like the good ones but for what is given. */
function check(change: Partial<Case>, ...args: string[]) {
  const directory = mkdtempSync(join(tmpdir(), "pyline-dist-"))
  made.push(directory)
  const input: Case = {
    ...good,
    ...change,
    sdist: { ...good.sdist, ...change.sdist },
    wheel: { ...good.wheel, ...change.wheel },
  }
  execFileSync("python3", [join(import.meta.dirname, "dist.py"), directory], {
    input: JSON.stringify(input),
  })
  for (const part of ["tried", "with-extras"]) {
    const file = join(directory, `${part}.json`)
    if (existsSync(file)) args.push(`--${part}`, file)
  }
  const run = spawnSync(
    "python3",
    [
      ...["-B", join(probeDirectory, "checks/build.py"), "--reports", join(directory, "reports")],
      ...["--dist", join(directory, "dist"), "--facts", join(directory, "made.json"), ...args],
    ],
    { encoding: "utf8" },
  )
  expect(run.status, run.stderr).toBe(0)
  const text = readFileSync(join(directory, "reports/check-build.json"), "utf8")
  const { outcome, summary, findings } = JSON.parse(text) as CheckResult
  const lines = findings.map(({ severity, rule, file, line, message }) =>
    [severity, rule, ...(file ? [`${file}${line ? `:${line}` : ""}`] : []), message].join(" | "),
  )
  return { outcome, summary, lines }
}

const without = (...fields: string[]): string[] =>
  good.metadata.filter((line) => !fields.some((field) => line.startsWith(`${field}:`)))
const withField = (...lines: string[]): string[] => [...lines, ...good.metadata]
const KEY = `-----BEGIN RSA PRIVATE KEY-----\n${"MIIEowIBAAKCAQEA".repeat(6)}\n`

const able = pythonHas("tomllib", "packaging")

describe.skipIf(!able)("archives (skipped where python3 has no tomllib or packaging)", () => {
  test("good ones", () => {
    const { outcome, summary, lines } = check({})
    expect(lines).toEqual([])
    expect(outcome).toBe("passed")
    expect(summary).toMatch(
      /^demo-1\.0\.tar\.gz \(\d+ B\), demo-1\.0-py3-none-any\.whl \([\d.]+ k?B\)$/,
    )
  })

  test("metadata that people miss", () => {
    const metadata = without(
      ...["Requires-Python", "License-Expression", "License-File", "Description-Content-Type"],
    ).slice(0, 2)
    expect(check({ metadata, wheel: { "INFO/licenses/LICENSE": "MIT" } })).toMatchObject({
      outcome: "passed",
      lines: [
        "warning | readme | it has no long description (readme)",
        "warning | requires-python | it says nothing about the Python it needs (requires-python)",
      ],
    })
  })

  test("a licence that is lost on the way", () => {
    const lost = check({
      metadata: without("License-File"),
      licences: ["LICENSE", "NOTICE"],
      sdist: { "demo-1.0/LICENSE": undefined },
      wheel: { "INFO/licenses/LICENSE": undefined },
    })
    expect(lost.lines).toEqual([
      "warning | license | LICENSE is not in the sdist",
      "warning | license | the wheel has no licence file, though the project has LICENSE",
    ])
    const named = check({ metadata: withField("License-File: COPYING") })
    expect(named.outcome).toBe("failed")
    expect(named.lines).toEqual([
      "error | license | License-File names COPYING, which is not in the wheel",
      "error | license | License-File names COPYING, which is not in the sdist",
    ])
  })

  test("names and versions that differ", () => {
    const { outcome, lines } = check({
      sdist: { "demo-1.0/pyproject.toml": '[project]\nname = "other"\nversion = "2"\n' },
    })
    expect(outcome).toBe("failed")
    expect(lines).toEqual([
      "error | name | the names differ: demo in demo-1.0.tar.gz, demo in the metadata of demo-1.0.tar.gz, demo in demo-1.0-py3-none-any.whl, demo in the metadata of demo-1.0-py3-none-any.whl, other in pyproject.toml",
      "error | version | the versions differ: 1.0 in demo-1.0.tar.gz, 1.0 in the metadata of demo-1.0.tar.gz, 1.0 in demo-1.0-py3-none-any.whl, 1.0 in the metadata of demo-1.0-py3-none-any.whl, 2 in pyproject.toml",
    ])
  })

  test("dependencies that only the machine has which built it", () => {
    const { lines } = check({
      metadata: withField(
        "Requires-Dist: core @ file:///app/libs/core",
        "Requires-Dist: other @ git+https://example.com/other",
      ),
    })
    expect(lines).toEqual([
      "error | dependency | core @ file:///app/libs/core is a path on the machine that built it: nobody else can install that",
      "warning | dependency | other @ git+https://example.com/other is a URL: public indexes refuse that",
    ])
  })

  test("metadata that an index refuses", () => {
    const { outcome, lines } = check({
      metadata: withField("Requires-Dist: not a requirement", "Unheard-Of: x"),
    })
    expect(outcome).toBe("failed")
    expect(lines).toContain(
      "warning | metadata | demo-1.0.tar.gz: the field unheard-of is not known",
    )
    expect(lines.join("\n")).toMatch(/^error \| metadata \| demo-1\.0\.tar\.gz: .*requires-dist/m)
  })

  test("secrets, by name and by what is in the file", () => {
    const { outcome, lines } = check({
      sdist: {
        "demo-1.0/.env": "PASSWORD=1",
        "demo-1.0/.env.example": "PASSWORD=",
        "demo-1.0/src/demo/key.py": `x = 1\nKEY = """${KEY}"""`,
        "demo-1.0/tests/key.pem": KEY,
        "demo-1.0/README.md": "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
      },
      wheel: { "demo/key.py": `x = 1\nKEY = """${KEY}"""` },
    })
    expect(outcome).toBe("failed")
    expect(lines).toEqual([
      "error | secret | .env | demo-1.0.tar.gz has .env",
      "error | secret | src/demo/key.py:2 | demo-1.0.tar.gz has a private key in src/demo/key.py",
      "warning | secret | tests/key.pem:1 | demo-1.0.tar.gz has a private key in tests/key.pem",
      "error | secret | demo/key.py:2 | demo-1.0-py3-none-any.whl has a private key in demo/key.py",
    ])
  })

  test("entries that lead out", () => {
    const { lines } = check({
      sdist: {
        "demo-1.0/../evil.py": "",
        "other/x.py": "",
        "demo-1.0/link": "-> ../../etc/passwd",
        "demo-1.0/fine": "-> LICENSE",
      },
      wheel: { "../evil.py": "" },
    })
    expect(lines).toEqual([
      "error | outside | demo-1.0.tar.gz: demo-1.0/../evil.py is outside of demo-1.0/",
      "error | outside | demo-1.0.tar.gz: other/x.py is outside of demo-1.0/",
      "error | outside | demo-1.0.tar.gz: link is a link to ../../etc/passwd, outside of the sdist",
      "error | outside | demo-1.0-py3-none-any.whl: ../evil.py is outside of the wheel",
    ])
  })

  test("a wheel that lacks what the sdist has, and brings what is not its own", () => {
    const { outcome, lines } = check({
      metadata: withField("Classifier: Typing :: Typed"),
      sdist: {
        "demo-1.0/src/demo/py.typed": "",
        "demo-1.0/src/demo/part/__init__.py": "",
        "demo-1.0/src/demo/tests/__init__.py": "",
      },
      wheel: { "tests/test_it.py": "", "demo/__pycache__/x.pyc": "" },
    })
    expect(outcome).toBe("failed")
    expect(lines).toEqual([
      "warning | leftover | demo-1.0-py3-none-any.whl has 1 compiled files (.pyc)",
      "warning | layout | the wheel installs tests at the top of site-packages, beside everybody else's",
      "warning | layout | src/demo/part/__init__.py | the package demo.part is in the sdist and not in the wheel",
      "error | typed | its classifiers say Typing :: Typed, but no package has a py.typed",
      "error | typed | src/demo/py.typed | src/demo/py.typed is in the sdist and not in the wheel",
    ])
  })

  test("a wheel that is not what it says", () => {
    expect(check({ wheel: { "demo/fast.so": "" } }).lines).toEqual([
      "error | tag | demo-1.0-py3-none-any.whl claims to fit every platform and has demo/fast.so",
    ])
    expect(check({ tag: "cp313-cp313-linux_x86_64" }).lines).toEqual([
      "note | tag | demo-1.0-cp313-cp313-linux_x86_64.whl fits this machine only: indexes take manylinux or musllinux wheels, or the sdist alone",
    ])
    const record = "demo/__init__.py,sha256=AAAA,0\ngone.py,,\n"
    expect(check({ record }).lines).toContain(
      "error | record | demo-1.0-py3-none-any.whl: demo/__init__.py is not what RECORD says",
    )
    expect(check({ record }).lines).toContain(
      "error | record | demo-1.0-py3-none-any.whl: RECORD lists gone.py, which is not there",
    )
  })

  test("what was tried, with its place in the project", () => {
    const module = { kind: "module", name: "demo", status: "failed", message: "ValueError: no" }
    const script = { kind: "script", name: "demo", status: "hung", message: "still running" }
    const fine = { kind: "module", name: "other", status: "passed", message: "" }
    const place = { file: "demo/__init__.py", line: 3 }
    const { summary, lines } = check({ tried: [{ ...module, ...place }, script, fine] })
    expect(summary).toBe("demo 1.0: 2 errors")
    expect(lines).toEqual([
      "error | import | src/demo/__init__.py:3 | import demo: ValueError: no",
      "error | script | demo --help: still running",
    ])
    const better = check({
      tried: [module, fine],
      "with-extras": [{ ...module, status: "passed", message: "" }],
    })
    expect(better.outcome).toBe("passed")
    expect(better.summary).toMatch(/, 1 module imported, 1 warning$/)
    expect(better.lines).toEqual([
      "warning | import | import demo works only where the project's extras are installed: ValueError: no",
    ])
  })

  test("settings that ignore, of a workspace's member", () => {
    const { outcome, lines } = check(
      { sdist: { "demo-1.0/.env": "" } },
      ...["--directory", "packages/demo", "--ignore", "secret:.env", "--ignore", "readme"],
    )
    expect(outcome).toBe("passed")
    expect(lines).toEqual([
      "note | secret | packages/demo/.env | demo-1.0.tar.gz has .env (ignored: secret:.env)",
      "warning | ignore | build-ignore has readme, and nothing like that was found",
    ])
  })
})
