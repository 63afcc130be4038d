import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { folder, lastLine, pyline } from "./pyline.ts"

const MODULES = ["only_here", "also_here"]
const fileOf = (module: string) => `${module}-1.0-py3-none-any.whl`

/** A wheel with one module, made without any build backend. */
function wheel(module: string): Buffer {
  const file = path.join(folder(), fileOf(module))
  const code = `
import sys, zipfile
module = sys.argv[2]
info = module + "-1.0.dist-info/"
files = {
    module + ".py": "ANSWER = 42\\n",
    info + "METADATA": "Metadata-Version: 2.1\\nName: " + module.replace("_", "-") + "\\nVersion: 1.0\\n",
    info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: hand\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}
files[info + "RECORD"] = "".join(name + ",,\\n" for name in [*files, info + "RECORD"])
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name, text in files.items():
        archive.writestr(name, text)
`
  execFileSync("python3", ["-c", code, file, module])
  return readFileSync(file)
}

const wheels = new Map(MODULES.map((module) => [module, wheel(module)]))
const hashes = new Map(
  [...wheels].map(([module, data]) => [
    module,
    `sha256:${createHash("sha256").update(data).digest("hex")}`,
  ]),
)
const only = hashes.get("only_here")
const file = fileOf("only_here")

/** Indexes below one address, each with a password of its own: http://127.0.0.1:1234/team/simple/ */
const passwords = new Map<string, string>()
let [refused, served] = [0, 0]
let server: Server
let root = ""
const index = (name: string) => `${root}/${name}/simple`

beforeAll(async () => {
  server = createServer((request, response) => {
    const [, name = "", kind, what] = request.url?.split("/") ?? []
    const sent = Buffer.from(request.headers.authorization?.split(" ")[1] ?? "", "base64")
    const module = what?.split("-1.0")[0]?.replaceAll("-", "_") ?? ""
    const data = wheels.get(module)
    if (sent.toString() !== `me:${passwords.get(name)}`) {
      refused += 1
      response.writeHead(401, { "www-authenticate": "Basic" }).end()
    } else if (data === undefined) {
      response.writeHead(404).end()
    } else if (kind === "simple") {
      served += 1
      const link = fileOf(module)
      response.writeHead(200, { "content-type": "text/html" })
      response.end(
        `<a href="../../files/${link}#${hashes.get(module)?.replace(":", "=")}">${link}</a>`,
      )
    } else {
      response.writeHead(200, { "content-length": data.length }).end(data)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
})

/** As Pipenv and PDM write credentials that are not theirs to keep. */
const LOGIN = ["//", "{INDEX_USER}:", "{INDEX_TOKEN}@"].join("$")

/** A project of these files whose test imports what only a private index has. */
function project(files: Record<string, string>, modules = ["only_here"]): string {
  const source = folder()
  mkdirSync(path.join(source, "tests"))
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(source, name), text)
  writeFileSync(
    path.join(source, "tests/test_it.py"),
    `import unittest\n\n${modules.map((module) => `import ${module}\n`).join("")}\n
class It(unittest.TestCase):
    def test_it(self):
        self.assertEqual({${modules.map((module) => `${module}.ANSWER`).join(", ")}}, {42})\n`,
  )
  return source
}

/** A secret in a file. */
function secret(text: string): string {
  const at = path.join(folder(), "credentials")
  writeFileSync(at, text, { mode: 0o600 })
  return `file:${at}`
}

const PYPROJECT = `[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.9"
dependencies = ["only-here"]
`

describe("an index that asks for a password", () => {
  let source = ""
  const netrc = (password: string) => secret(`machine 127.0.0.1\nlogin me\npassword ${password}\n`)
  const test_ = (...args: string[]) => pyline(["test", "--source", source, ...args])

  beforeAll(() => {
    passwords.set("list", "first-token")
    source = project({ "requirements.txt": `--index-url ${index("list")}\nonly-here==1.0\n` })
  })

  test("without credentials, or with wrong ones, the install fails and says so", async () => {
    for (const given of [[], ["--index-credentials", netrc("guessed-token")]]) {
      refused = 0
      const run = await test_(...given)
      expect(run.exitCode, run.all).toBe(2)
      expect(run.all).toContain("error[INDEX_REFUSED]")
      expect(run.all).toContain("fix: give the credentials it takes: --index-credentials")
      expect(run.all).not.toContain("guessed-token")
      expect(refused).toBeGreaterThan(0)
    }
  })

  test("with a netrc file it is green, and no output has the token", async () => {
    const run = await test_("--index-credentials", netrc("first-token"))
    expect(run.exitCode, run.all).toBe(0)
    expect(lastLine(run.stdout)).toMatch(/^1 passed/)
    expect(served).toBeGreaterThan(0)
    expect(run.all).not.toContain("first-token")
  })

  test("another token installs nothing again", async () => {
    passwords.set("list", "second-token")
    const before = served
    appendFileSync(path.join(source, "tests/test_it.py"), `# ${Date.now()}\n`)
    const run = await test_("--index-credentials", netrc("second-token"))
    expect(run.exitCode, run.all).toBe(0)
    expect(run.all).not.toMatch(/^\[exec uv .*\] done in/m)
    expect(served).toBe(before)
  })
})

describe("credentials in the words of each manager", () => {
  const cases: [string, () => [Record<string, string>, string, string[]?]][] = [
    [
      "uv.lock with two indexes of one host, named by UV_INDEX_*",
      () => [
        {
          "pyproject.toml": `${PYPROJECT.replace('"only-here"', '"only-here", "also-here"')}
[tool.uv.sources]
only-here = { index = "internal" }
also-here = { index = "partner-team" }
${["internal", "partner-team"].map((name) => `[[tool.uv.index]]\nname = "${name}"\nurl = "${index(name)}"\nexplicit = true\n`).join("")}`,
          "uv.lock": `version = 1
revision = 3
requires-python = ">=3.9"
${[
  ["also-here", "also_here", "partner-team"],
  ["only-here", "only_here", "internal"],
]
  .map(
    ([name = "", module = "", from = ""]) => `
[[package]]
name = "${name}"
version = "1.0"
source = { registry = "${index(from)}" }
wheels = [
    { url = "${root}/${from}/files/${fileOf(module)}", hash = "${hashes.get(module)}" },
]
`,
  )
  .join("")}
[[package]]
name = "demo"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "also-here" },
    { name = "only-here" },
]

[package.metadata]
requires-dist = [
    { name = "also-here", index = "${index("partner-team")}" },
    { name = "only-here", index = "${index("internal")}" },
]
`,
        },
        `UV_INDEX_INTERNAL_USERNAME=me
UV_INDEX_INTERNAL_PASSWORD=token-of-internal
UV_INDEX_PARTNER_TEAM_USERNAME=me
UV_INDEX_PARTNER_TEAM_PASSWORD=token-of-partner-team
`,
        MODULES,
      ],
    ],
    [
      "a pyproject.toml without a lock, whose index is for one package alone",
      () => [
        {
          "pyproject.toml": `${PYPROJECT}
[tool.uv.sources]
only-here = { index = "open" }
[[tool.uv.index]]
name = "open"
url = "${index("open")}"
explicit = true
`,
        },
        "UV_INDEX_OPEN_USERNAME=me\nUV_INDEX_OPEN_PASSWORD=token-of-open\n",
      ],
    ],
    [
      "poetry.lock, named by POETRY_HTTP_BASIC_*",
      () => [
        {
          "pyproject.toml": `[tool.poetry]
package-mode = false

[tool.poetry.dependencies]
python = ">=3.9"
only-here = { version = "1.0", source = "poetry" }

[[tool.poetry.source]]
name = "poetry"
url = "${index("poetry")}/"
priority = "explicit"
`,
          "poetry.lock": `[[package]]
name = "only-here"
version = "1.0"
optional = false
python-versions = "*"
groups = ["main"]
files = [
    {file = "${file}", hash = "${only}"},
]

[package.source]
type = "legacy"
url = "${index("poetry")}"
reference = "poetry"

[metadata]
lock-version = "2.1"
python-versions = ">=3.9"
`,
        },
        "POETRY_HTTP_BASIC_POETRY_USERNAME=me\nPOETRY_HTTP_BASIC_POETRY_PASSWORD=token-of-poetry\n",
      ],
    ],
    [
      "pdm.lock, with variables in the address",
      () => [
        {
          "pyproject.toml": `${PYPROJECT}
[[tool.pdm.source]]
name = "internal"
url = "${index("pdm").replace("//", LOGIN)}"

[tool.pdm]
distribution = false
`,
          "pdm.lock": `[metadata]
groups = ["default"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"

[[package]]
name = "only-here"
version = "1.0"
groups = ["default"]
files = [
    {file = "${file}", hash = "${only}"},
]
`,
        },
        "export INDEX_USER=me\nexport INDEX_TOKEN='token-of-pdm'\n",
      ],
    ],
    [
      "Pipfile.lock, with variables in the address",
      () => {
        const source = {
          name: "internal",
          url: index("pipenv").replace("//", LOGIN),
          verify_ssl: false,
        }
        const entry = { hashes: [only], index: "internal", version: "==1.0" }
        return [
          {
            Pipfile: `[[source]]\nname = "internal"\nurl = "${source.url}"\nverify_ssl = false\n\n[packages]\nonly-here = "*"\n`,
            "Pipfile.lock": JSON.stringify({
              _meta: { "pipfile-spec": 6, requires: {}, sources: [source] },
              default: { "only-here": entry },
              develop: {},
            }),
          },
          "INDEX_USER=me\nINDEX_TOKEN=token-of-pipenv\n",
        ]
      },
    ],
    [
      "a list without any index, which pip.conf names",
      () => [
        { "requirements.txt": "only-here==1.0\n" },
        `[global]\nindex-url = ${index("pip").replace("//", "//me:token-of-pip@")}\n`,
      ],
    ],
  ]

  test.each(cases)("%s", async (_, make) => {
    for (const name of ["internal", "partner-team", "poetry", "pdm", "pipenv", "pip", "open"])
      passwords.set(name, `token-of-${name}`)
    const [files, credentials, modules] = make()
    const source = project(files, modules)
    const run = await pyline([
      "test",
      "--source",
      source,
      "--index-credentials",
      secret(credentials),
    ])
    expect(run.exitCode, run.all).toBe(0)
    expect(lastLine(run.stdout)).toMatch(/^1 passed/)
    expect(run.all).not.toContain("token-of")
  })

  test("uv's variables are taken from the environment of the command, which says so", async () => {
    passwords.set("environment", "token-of-environment")
    const [files] = cases[2]?.[1]() ?? []
    const at = (text: string) => text.replaceAll("poetry/simple", "environment/simple")
    const source = project(
      Object.fromEntries(Object.entries(files ?? {}).map(([name, text]) => [name, at(text)])),
    )
    const env = { UV_INDEX_POETRY_USERNAME: "me", UV_INDEX_POETRY_PASSWORD: "token-of-environment" }
    const run = await pyline(["test", "--source", source], { env })
    expect(run.exitCode, run.all).toBe(0)
    expect(run.stderr).toContain(
      "pyline: index credentials are UV_INDEX_POETRY_PASSWORD, UV_INDEX_POETRY_USERNAME\n",
    )
    expect(run.all).not.toContain("token-of")
  })
})
