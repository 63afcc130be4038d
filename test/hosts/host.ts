import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterAll, inject, type TestContext } from "vitest"
import { $ } from "zx"
import { stateDir } from "../../engine/daemon/paths.ts"
import { git, root } from "./checkout.ts"
import { type ToolName, tool } from "./tools.ts"

/** This checkout of Pyline, as the hosts get it. */
export const pyline = inject("pyline")

/** The path of a tool; without it the test is skipped, and the reason is told. */
export async function need(context: TestContext, name: ToolName): Promise<string> {
  const found = await tool(name)
  if ("missing" in found) context.skip(found.missing)
  return (found as { path: string }).path
}

/** How the program of a host is run: it ends before its test does, and with the terminal that it was started from. */
export const ending = { quiet: true, nothrow: true, detached: false, timeout: "280s" } as const

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** An empty folder that is gone after the tests of the file. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), "pyline-hosts-"))
  folders.push(made)
  return made
}

export interface Project {
  at: string
  /** What only this copy has, so that no engine has seen it. */
  word: string
}

/** A project in a git repository, on its branch main, with the file of a host as `pyline init` writes it. */
export async function project(
  host: string,
  { red = false, flags = [] as string[], files = {} as Record<string, string> } = {},
): Promise<Project> {
  const at = path.join(folder(), "shop")
  cpSync(path.join(root, "examples/flask-requirements"), at, { recursive: true })
  const word = Math.random().toString(36).slice(2)
  const body = red ? `    assert "${word}" == "something else"` : `    assert "${word}"`
  writeFileSync(path.join(at, "tests/test_word.py"), `def test_word():\n${body}\n`)
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(at, name), text)
  await $({
    cwd: at,
    quiet: true,
  })`${root}/pyline init ${host} --from ${pyline.from} --branch main ${flags}`
  await git(at, "init", "--quiet", "--initial-branch", "main")
  await git(at, "remote", "add", "origin", "https://github.com/me/shop")
  await git(at, "add", "--all")
  await git(at, "commit", "--quiet", "--message", `first of ${word}`)
  return { at, word }
}

/** Variables of this machine without those that would make it look like the host that its own tests run on. */
export function bare(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const { GITHUB_ACTIONS, GITHUB_STEP_SUMMARY, GITHUB_WORKSPACE, GITLAB_CI, ...rest } = process.env
  return { ...rest, NO_COLOR: "1", PYLINE_STATE_DIR: stateDir(), ...more }
}

/**
 * Variables of a machine whose home is empty. Hosts that are not ours have `sudo`; where a test runs as root without it,
 * one is there that only starts the program.
 */
export async function machine(): Promise<NodeJS.ProcessEnv & { HOME: string }> {
  const home = folder()
  const env = {
    ...bare(pyline.env),
    HOME: home,
    npm_config_cache: path.join(process.env.HOME ?? "/root", ".npm"),
  }
  if ((await $({ quiet: true, nothrow: true })`command -v sudo`).exitCode === 0) return env
  const bin = path.join(home, "bin")
  mkdirSync(bin)
  writeFileSync(
    path.join(bin, "sudo"),
    '#!/bin/sh\nwhile case $1 in -*) ;; *) false ;; esac; do shift; done\nexec "$@"\n',
    {
      mode: 0o755,
    },
  )
  return { ...env, PATH: `${bin}:${process.env.PATH}` }
}
