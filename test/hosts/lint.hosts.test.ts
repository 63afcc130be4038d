import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { $ } from "zx"
import { root } from "./checkout.ts"
import { folder, need } from "./host.ts"

// The files that `pyline init` writes, as its own tests keep them.
const written = path.join(root, "test/unit/cli/init/files")
const purposes = readdirSync(written)
const SCHEMAS = {
  "github.yml": "vendor.github-workflows",
  "gitlab.yml": "vendor.gitlab-ci",
  "travis.yml": "vendor.travis",
  "circleci.yml": "vendor.circle-ci",
}

const run = (program: string, words: string[], env: Record<string, string> = {}) =>
  $({ quiet: true, nothrow: true, env: { ...process.env, ...env } })`${program} ${words}`

test("there are files for all that a host may be asked for", () => {
  expect(purposes).toEqual(["check", "publish", "release"])
})

test.for(purposes)(
  "actionlint finds nothing in GitHub's file that does: %s",
  async (purpose, context) => {
    const actionlint = await need(context, "actionlint")
    const { stdout, exitCode } = await run(actionlint, [path.join(written, purpose, "github.yml")])
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 })
  },
)

test.for(purposes)(
  "zizmor, at its most pedantic, finds nothing in GitHub's file that does: %s",
  async (purpose, context) => {
    const zizmor = await need(context, "zizmor")
    const words = ["--offline", "--pedantic", "--format=plain", "--no-progress"]
    const { all } = await said(zizmor, [...words, path.join(written, purpose, "github.yml")])
    expect(all).toContain("No findings to report")
  },
)

test("zizmor finds nothing in the action", async (context) => {
  const zizmor = await need(context, "zizmor")
  const words = ["--offline", "--pedantic", "--format=plain", "--no-progress"]
  const { all } = await said(zizmor, [...words, path.join(root, "action.yml")])
  expect(all).toContain("No findings to report")
})

test("zizmor would find something", async (context) => {
  const zizmor = await need(context, "zizmor")
  const bad = path.join(import.meta.dirname, "bad-workflow.yml")
  const { all, exitCode } = await said(zizmor, ["--offline", "--format=plain", bad])
  expect(exitCode).not.toBe(0)
  expect(all).toContain("template-injection")
})

const cases = purposes.flatMap((purpose) =>
  Object.entries(SCHEMAS).map(([file, schema]) => ({ purpose, file, schema })),
)

test.for(cases)(
  "$file that does: $purpose is what the schema $schema allows",
  async ({ purpose, file, schema }, context) => {
    const main = await need(context, "check-jsonschema")
    const packages = path.resolve(main, "../..")
    const words = [
      "-m",
      "check_jsonschema",
      "--builtin-schema",
      schema,
      path.join(written, purpose, file),
    ]
    const { stdout, stderr, exitCode } = await run("python3", words, { PYTHONPATH: packages })
    expect({ said: stdout + stderr, exitCode }).toEqual({
      said: "ok -- validation done\n",
      exitCode: 0,
    })
  },
)

const mistakes = [
  { file: "github.yml", right: "runs-on", wrong: "run-on" },
  { file: "gitlab.yml", right: /resource_group: .*/, wrong: "resource_group: [1]" },
  { file: "travis.yml", right: "os: linux", wrong: "os: amiga" },
  { file: "circleci.yml", right: /serial-group: .*/, wrong: "serial-group: 5" },
] as const

test.for(mistakes)(
  "$wrong in $file is not what its schema allows",
  async ({ file, right, wrong }, context) => {
    const main = await need(context, "check-jsonschema")
    const text = readFileSync(path.join(written, "release", file), "utf8")
    const bad = path.join(folder(), file)
    writeFileSync(bad, text.replace(right, wrong))
    const words = ["-m", "check_jsonschema", "--builtin-schema", SCHEMAS[file], bad]
    const { exitCode } = await run("python3", words, { PYTHONPATH: path.resolve(main, "../..") })
    expect(exitCode).toBe(1)
  },
)

test("the action is what GitHub's schema allows", async (context) => {
  const main = await need(context, "check-jsonschema")
  const words = [
    "-m",
    "check_jsonschema",
    "--builtin-schema",
    "vendor.github-actions",
    path.join(root, "action.yml"),
  ]
  const { stdout, exitCode } = await run("python3", words, {
    PYTHONPATH: path.resolve(main, "../.."),
  })
  expect({ stdout, exitCode }).toEqual({ stdout: "ok -- validation done\n", exitCode: 0 })
})

async function said(program: string, words: string[]) {
  const { stdout, stderr, exitCode } = await run(program, words)
  return { all: stdout + stderr, exitCode }
}
