import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { TestProject } from "vitest/node"
import { $ } from "zx"

export const root = path.resolve(import.meta.dirname, "../..")

/** Where the written files say that Pyline comes from. `git` is told that it is a folder of this machine. */
const ADDRESS = "https://github.com/me/pyline"

declare module "vitest" {
  interface ProvidedContext {
    pyline: Pyline
  }
}

/** Once for all test files. */
export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(path.join(tmpdir(), "pyline-hosts-"))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    project.provide("pyline", await pylineForHosts(folder))
  } catch (error) {
    remove()
    throw error
  }
  return remove
}

export const git = (at: string, ...words: string[]) =>
  $({ quiet: true })`git -C ${at} -c user.name=me -c user.email=me@example.com ${words}`

export interface Pyline {
  /** What `pyline init --from` is told. */
  from: string
  commit: string
  /** A repository with this very tree of Pyline, as a host would get it. */
  repository: string
  /** A clone of it that is ready to run. */
  clone: string
  /** Has git take Pyline from there, and gives each clone what would take minutes to install and build. */
  env: Record<string, string>
}

/**
 * This checkout as one that CI hosts can clone: its files as they are now, committed in a repository of their own. The packages and
 * the build of a clone are those of this checkout, put there by a hook: that the launcher installs and builds is another test.
 */
async function pylineForHosts(at: string): Promise<Pyline> {
  await $({ cwd: root, quiet: true })`./pyline --version`
  const repository = path.join(at, "pyline")
  mkdirSync(repository)
  const isCheckout =
    (await $({ quiet: true, nothrow: true })`git -C ${root} rev-parse`).exitCode === 0
  if (isCheckout)
    await $({
      cwd: root,
      quiet: true,
    })`git ls-files -z --cached --others --exclude-standard --deduplicate | xargs -0 ls -d 2>/dev/null | tar -cf - -T - | tar -xf - -C ${repository}`
  else
    cpSync(root, repository, {
      recursive: true,
      filter: (file) => !/\/(?:node_modules|dist)$/.test(file),
    })
  await git(repository, "init", "--quiet", "--initial-branch", "main")
  await git(repository, "add", "--all", "--force")
  await git(repository, "commit", "--quiet", "--message", "as it is")
  const commit = (await git(repository, "rev-parse", "HEAD")).stdout.trim()

  const hook = path.join(at, "template/hooks/post-checkout")
  mkdirSync(path.dirname(hook), { recursive: true })
  writeFileSync(
    hook,
    `#!/bin/sh
[ -f cli/prepare.mjs ] && [ ! -e dist ] || exit 0
cp -al '${root}/dist' . 2>/dev/null || cp -r '${root}/dist' .
# What is built needs no packages; the launcher only asks which are installed.
mkdir node_modules
cp '${root}/node_modules/.package-lock.json' node_modules/
# Not the same file as that of the checkout: its date says something there.
rm dist/.stamp && cp '${root}/dist/.stamp' dist/
touch dist/.stamp node_modules/.package-lock.json
`,
    { mode: 0o755 },
  )
  const env = {
    GIT_TEMPLATE_DIR: path.join(at, "template"),
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: `url.file://${repository}.insteadOf`,
    GIT_CONFIG_VALUE_0: ADDRESS,
    GIT_CONFIG_KEY_1: "safe.directory",
    GIT_CONFIG_VALUE_1: "*",
  }
  const clone = path.join(at, "clone")
  await $({ quiet: true, env: { ...process.env, ...env } })`git clone --quiet ${ADDRESS} ${clone}`
  return { from: `${ADDRESS}@${commit}`, commit, repository, clone, env }
}
