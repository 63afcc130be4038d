import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import { expect, type TestContext, test } from "vitest"
import { $ } from "zx"
import type { Pyline } from "./checkout.ts"
import { bare, folder, need, type Project, project, pyline } from "./host.ts"

const action = actionOf(pyline)

/** The action as act is to take it: its files are copied for each step, so what they start is a link. */
function actionOf({ clone }: Pyline): string {
  const at = folder()
  for (const file of ["action.yml", ".github"])
    cpSync(path.join(clone, file), path.join(at, file), { recursive: true })
  symlinkSync(path.join(clone, "pyline"), path.join(at, "pyline"))
  return at
}

/** Stands in for `actions/upload-artifact`, which talks to a service of GitHub's: puts the files into a folder. */
const UPLOAD = `name: upload
description: Keeps files
inputs:
  name: { required: true, description: Name }
  path: { required: true, description: Folder }
  if-no-files-found: { required: false, description: Ignored }
runs:
  using: composite
  steps:
    - shell: bash
      run: mkdir -p "$KEPT/$NAME" && cp -r "$FOLDER/." "$KEPT/$NAME"
      env:
        NAME: \${{ inputs.name }}
        FOLDER: \${{ inputs.path }}
`

interface Run {
  exitCode: number | null
  said: string
  /** Artifacts by their names, and the files in them. */
  artifacts: { [name: string]: string[] }
  read: (artifact: string, file: string) => string
}

/** Runs the workflow of a project on this machine itself. */
async function act(
  { at }: Project,
  context: TestContext,
  event: string,
  { secrets = {} as Record<string, string>, words = [] as string[] } = {},
): Promise<Run> {
  const program = await need(context, "act")
  const scratch = folder()
  const upload = path.join(scratch, "upload")
  const kept = path.join(scratch, "kept")
  for (const made of [upload, kept]) mkdirSync(made)
  writeFileSync(path.join(upload, "action.yml"), UPLOAD)
  const [, pinned] =
    /actions\/upload-artifact@([0-9a-f]{40})/.exec(
      readFileSync(path.join(action, "action.yml"), "utf8"),
    ) ?? []
  const kinds = ["PYLINE_STATE_DIR", "HOME", "PATH", "SSL_CERT_FILE"]
  const given = kinds.map((name) => [name, process.env[name]] as const)
  const variables = Object.entries({ ...Object.fromEntries(given), KEPT: kept, NO_COLOR: "1" })
  const secretFile = path.join(scratch, "secrets")
  writeFileSync(
    secretFile,
    Object.entries(secrets)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}\n`)
      .join(""),
  )
  const flags = [
    ...["-P", "ubuntu-24.04=-self-hosted", "--no-cache-server"],
    ...["--action-cache-path", path.join(scratch, "cache"), "--secret-file", secretFile],
    ...["--local-repository", `me/pyline@${pyline.commit}=${action}`],
    ...["--local-repository", `actions/upload-artifact@${pinned}=${upload}`],
    ...variables.flatMap(([name, value]) =>
      value === undefined ? [] : ["--env", `${name}=${value}`],
    ),
  ]
  const { exitCode, stdout, stderr } = await $({
    cwd: at,
    quiet: true,
    nothrow: true,
    env: bare({}),
  })`${program} ${event} ${flags} ${words}`
  const artifacts = readdirSync(kept).map((name) => [name, readdirSync(path.join(kept, name))])
  return {
    exitCode,
    said: stdout + stderr,
    artifacts: Object.fromEntries(artifacts),
    read: (artifact, file) => readFileSync(path.join(kept, artifact, file), "utf8"),
  }
}

test("a green project: a step summary, and the reports as an artifact", async (context) => {
  const run = await act(await project("github"), context, "pull_request")
  expect(run.said).toContain("Job succeeded")
  expect(run.exitCode).toBe(0)
  expect(run.said).toContain("# ✅ All 18 tests passed")
  expect(run.artifacts["pyline-reports"]).toEqual(
    expect.arrayContaining(["index.html", "junit", "result.json", "summary.md"]),
  )
  expect(JSON.parse(run.read("pyline-reports", "result.json")).verdict).toBe("passed")
})

test("a red project: red, with an annotation at the line, and the reports all the same", async (context) => {
  const run = await act(await project("github", { red: true }), context, "push")
  expect(run.exitCode).toBe(1)
  expect(run.said).toMatch(/::error file=tests\/test_word\.py,line=2\b/)
  expect(run.said).toContain("# ❌")
  expect(run.read("pyline-reports", "junit/python-3.13.xml")).toContain("test_word")
})
