import { execFileSync, spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { homedir } from "node:os"
import path from "node:path"
import { expect, test } from "vitest"
import { folder, root } from "./pyline.ts"

// Bills of materials as the standards' own validators see them.

const PACKAGES = [
  "cyclonedx-python-lib[json-validation]==11.12.0",
  "spdx-tools==0.8.5",
  "packaging",
]

const VALIDATE = `
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1] + "/sbom.cdx.json").read())
document = parse_file(sys.argv[1] + "/sbom.spdx.json")
messages = [message.validation_message for message in validate_full_spdx_document(document)]
print(wrong, messages[:5], len(document.packages))
`

/** The validators, installed once on a machine: they are large. */
function validators(): string | undefined {
  const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), ".cache")
  const made = path.join(cache, "pyline-test", "sbom-validators-1")
  if (existsSync(made)) return made
  const partial = `${made}.${process.pid}`
  const install = ["-m", "pip", "install", "--quiet", "--target", partial, ...PACKAGES]
  const { status } = spawnSync("python3", install, { stdio: "ignore" })
  if (status !== 0) return undefined
  mkdirSync(path.dirname(made), { recursive: true })
  if (!existsSync(made)) renameSync(partial, made)
  rmSync(partial, { recursive: true, force: true })
  return made
}

const tools = validators()

// Skipped where no package index gives the validators.
test.skipIf(tools === undefined)(
  "both kinds are valid, of many distributions and of a whole system",
  () => {
    const image = folder()
    const site = path.join(image, "opt/venv/lib/python3.11/site-packages")
    // The validators themselves are distributions of all sorts.
    cpSync(tools as string, site, {
      recursive: true,
      filter: (file) => file === tools || /\.dist-info(\/|$)/.test(file),
    })
    const packages = "/var/lib/dpkg/status"
    // All of them would take the validator long.
    const some = existsSync(packages)
      ? readFileSync(packages, "utf8").split("\n\n").slice(0, 100)
      : []
    mkdirSync(path.join(image, "var/lib/dpkg"), { recursive: true })
    writeFileSync(path.join(image, "var/lib/dpkg/status"), some.join("\n\n"))
    const hostile = path.join(site, "hostile-1.dist-info")
    mkdirSync(hostile)
    writeFileSync(
      path.join(hostile, "METADATA"),
      [
        "Name: hostile<script>",
        "Version: 1 && rm -rf /",
        'Summary: \\u0000 "quoted" ünïcode',
        "License-Expression: MIT AND ((",
        "Home-page: javascript:alert(1)",
        "Author: ((( <not an address>",
        "Requires-Dist: ][",
      ].join("\n"),
    )
    const out = folder()
    const subject = {
      ...{ name: "ghcr.io/me/app", version: `sha256:${"ab".repeat(32)}`, platform: "linux/amd64" },
      ...{ created: "2026-01-01T00:00:00Z", tool: "0.1.0", dependencies: { kind: "none" } },
    }
    writeFileSync(path.join(out, "subject.json"), JSON.stringify(subject))
    const env = { ...process.env, PYTHONPATH: `${path.join(root, "ci/probe")}:${tools}` }
    const python = (...args: string[]) =>
      execFileSync("python3", ["-B", ...args], { encoding: "utf8", env })
    python("-m", "sbom", image, path.join(out, "subject.json"), out)
    const [, named = ""] = /^None \[\] (\d+)\n$/.exec(python("-c", VALIDATE, out)) ?? []
    expect(Number(named)).toBeGreaterThan(110)
  },
)
