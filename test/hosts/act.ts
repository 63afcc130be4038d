import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import type { TestContext } from "vitest"
import { $ } from "zx"
import type { Pyline } from "./checkout.ts"
import { bare, ending, folder, need, type Project, pyline } from "./host.ts"

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
export async function act(
  { at }: Project,
  context: TestContext,
  event: string,
  { secrets = {} as Record<string, string>, words = [] as string[] } = {},
): Promise<Run> {
  const program = await need(context, "act")
  const action = actionOf(pyline)
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
    ...ending,
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
