/**
 * Other people's programs that the tests of CI hosts need: each in one version, in a folder of its own outside of the checkout.
 * Those that take seconds are fetched when a test asks for them; the others are built by
 *
 *   npx tsx test/hosts/tools.ts [name…]      (default: all)
 *
 * and until then the tests that need them are skipped, with this as the reason.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { homedir } from "node:os"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { $ } from "zx"

interface Tool {
  version: string
  /** What tests use: a program, or for Groovy an archive of classes. */
  file: string
  /** Takes seconds, so that nobody has to be asked. */
  quick: boolean
  /** Puts it into an empty folder. */
  make: (folder: string, version: string) => Promise<unknown>
}

const go = (module: string) => (folder: string, version: string) =>
  $({
    quiet: true,
    env: { ...process.env, GOBIN: folder, GOFLAGS: "" },
  })`go install ${module}@v${version}`

/** A virtual environment cannot be moved, so this is one folder of packages. */
const pip = (name: string) => (folder: string, version: string) =>
  $({
    quiet: true,
  })`python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target ${folder} ${name}==${version}`

const npm = (name: string) => (folder: string, version: string) =>
  $({
    quiet: true,
  })`npm install --silent --no-audit --no-fund --ignore-scripts --prefix ${folder} ${name}@${version}`

const maven = (artifact: string) => (folder: string, version: string) =>
  $({
    quiet: true,
  })`mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dartifact=${artifact}:${version} -DoutputDirectory=${folder}`

const TOOLS = {
  zizmor: { version: "1.32.0", file: "bin/zizmor", quick: true, make: pip("zizmor") },
  "check-jsonschema": {
    ...{ version: "0.39.0", file: "check_jsonschema/__main__.py", quick: true },
    make: pip("check-jsonschema"),
  },
  actionlint: {
    ...{ version: "1.7.12", file: "actionlint", quick: true },
    make: go("github.com/rhysd/actionlint/cmd/actionlint"),
  },
  act: {
    ...{ version: "0.2.89", file: "act", quick: false },
    make: go("github.com/nektos/act"),
  },
  "gitlab-ci-local": {
    // Later ones have a part in C++, which takes minutes to build.
    ...{ version: "4.53.0", file: "node_modules/.bin/gitlab-ci-local", quick: true },
    make: npm("gitlab-ci-local"),
  },
  groovy: {
    // The one that Jenkins has in it.
    ...{ version: "2.4.21", file: "groovy-all-2.4.21.jar", quick: true },
    make: maven("org.codehaus.groovy:groovy-all"),
  },
} as const satisfies Record<string, Tool>

export type ToolName = keyof typeof TOOLS

const home = process.env.PYLINE_TEST_TOOLS ?? path.join(homedir(), ".cache/pyline-test-tools")

/** The path of a tool, or why it is not there. */
export async function tool(name: ToolName): Promise<{ path: string } | { missing: string }> {
  const { version, file, quick } = TOOLS[name]
  const at = path.join(home, `${name}-${version}`)
  if (!existsSync(path.join(at, file))) {
    if (!quick)
      return { missing: `${name} takes minutes to build: npx tsx test/hosts/tools.ts ${name}` }
    try {
      await make(name)
    } catch (error) {
      const [reason] = String((error as Error).message)
        .trim()
        .split("\n")
        .slice(-1)
      return { missing: `${name} ${version} could not be had: ${reason}` }
    }
  }
  return { path: path.join(at, file) }
}

async function make(name: ToolName): Promise<void> {
  const { version, file, make } = TOOLS[name]
  mkdirSync(home, { recursive: true })
  const folder = mkdtempSync(path.join(home, ".making-"))
  try {
    await make(folder, version)
    if (!existsSync(path.join(folder, file))) throw new Error(`${file} is not in what was made`)
    const at = path.join(home, `${name}-${version}`)
    rmSync(at, { recursive: true, force: true })
    renameSync(folder, at)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const names = process.argv.slice(2) as ToolName[]
  for (const name of names.length > 0 ? names : (Object.keys(TOOLS) as ToolName[])) {
    const started = Date.now()
    await make(name)
    console.log(`${name} ${TOOLS[name].version}: ${((Date.now() - started) / 1000).toFixed(1)} s`)
  }
}
