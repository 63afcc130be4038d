import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { diesWithUs } from "../buildkit/contain.ts"
import { EngineError } from "../daemon/error.ts"
import type { Paths } from "../daemon/paths.ts"
import type { BuildkitSource } from "./config.ts"
import { needRoom } from "./disk.ts"
import { run } from "./run.ts"
import { withTemporary } from "./temporary.ts"
import { compareVersions } from "./version.ts"
import { which } from "./which.ts"

const sources = fileURLToPath(new URL("../tools/", import.meta.url))
const buildkit = "github.com/moby/buildkit"
const cni = "github.com/containernetworking/plugins/plugins"

export type Tool = "bridge" | "shim" | "buildkitd" | Plugin

type Plugin = "cni/bridge" | "cni/host-local" | "cni/loopback"

/** What gives services addresses of their own, see buildkit/network.ts. */
export const plugins: Plugin[] = ["cni/bridge", "cni/host-local", "cni/loopback"]

const packages: Record<Tool, string> = {
  bridge: "./bridge",
  shim: "./shim",
  buildkitd: `${buildkit}/cmd/buildkitd`,
  "cni/bridge": `${cni}/main/bridge`,
  "cni/host-local": `${cni}/ipam/host-local`,
  "cni/loopback": `${cni}/main/loopback`,
}

/** The programs that a machine needs: a BuildKit that is not ours has its own. */
export function toolsFor(buildkit: BuildkitSource): Tool[] {
  if (buildkit.origin === "built") return ["bridge", "shim", "buildkitd", ...plugins]
  return buildkit.origin === "path" ? ["bridge", "shim", ...plugins] : ["bridge", "shim"]
}

/** Everything the programs are made of, as a hash: their directory is named by it. */
export function toolsKey(): string {
  const hash = createHash("sha256").update(`1 ${process.platform} ${process.arch}\n`)
  for (const name of readdirSync(sources, { recursive: true, encoding: "utf8" }).sort()) {
    const wanted = /\.go$|(^|\/)go\.(mod|sum)$/.test(name) && !name.endsWith("_test.go")
    if (wanted) hash.update(`${name}\0`).update(readFileSync(join(sources, name)))
  }
  return hash.digest("hex").slice(0, 20)
}

/** Where the programs are, or will be. */
export function toolsDir(paths: Paths): string {
  return join(paths.bin, toolsKey())
}

export function hasTools(dir: string, tools: Tool[]): boolean {
  return tools.every((tool) => existsSync(join(dir, tool)))
}

/** Version of BuildKit that go.mod asks for. */
export function buildkitVersion(): string {
  const mod = readFileSync(join(sources, "go.mod"), "utf8")
  return new RegExp(`^\\s*(?:require\\s+)?${buildkit}\\s+(\\S+)`, "m").exec(mod)?.[1] ?? "unknown"
}

/** Builds programs into a directory that appears with all of them or not at all. */
export async function buildTools(
  paths: Paths,
  tools: Tool[],
  progress: (detail: string) => void,
): Promise<string> {
  const go = await findGo()
  const dir = toolsDir(paths)
  // Measured from empty caches: 0.6 GB of modules, 0.9 GB of compiled packages, 0.1 GB of programs.
  needRoom("Building BuildKit", go.cache, 2e9)
  needRoom("Building BuildKit", paths.state, 0.3e9)
  const env = { ...process.env, CGO_ENABLED: "0", GOWORK: "off" }
  const names = tools.map((tool) => packages[tool])

  let downloaded = 0
  const listed = await run(go.path, ["list", "-deps", ...names], {
    cwd: sources,
    env,
    onLine: (line) => {
      if (line.startsWith("go: downloading")) progress(`downloading Go modules: ${++downloaded}`)
    },
  })
  if (listed.code !== 0) throw buildFailed(listed.stderr)
  const total = listed.stdout.split("\n").length

  await withTemporary(dir, async (temporary) => {
    let compiled = 0
    const stamp = `-X ${buildkit}/version.Version=${buildkitVersion()}`
    // A program has the name of its package's folder: those of the plug-ins would clash with ours.
    for (const folder of new Set(tools.map((tool) => dirname(tool)))) {
      const some = tools.filter((tool) => dirname(tool) === folder)
      mkdirSync(join(temporary, folder), { recursive: true, mode: 0o700 })
      const [program, ...args] = diesWithUs([
        go.path,
        "build",
        "-v",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        `-s -w ${stamp}`,
        "-o",
        `${join(temporary, folder)}/`,
        ...some.map((tool) => packages[tool]),
      ])
      const built = await run(program, args, {
        cwd: sources,
        env,
        onLine: (line) => {
          if (/^[\w.-]+(\/|$)/.test(line)) progress(`compiling: ${++compiled} of ${total} packages`)
        },
      })
      if (built.code !== 0) throw buildFailed(built.stderr)
    }
    rmSync(dir, { recursive: true, force: true })
    renameSync(temporary, dir)
  })
  for (const name of readdirSync(paths.bin)) {
    // A running engine keeps its open programs; the next one has the new ones.
    if (join(paths.bin, name) !== dir)
      rmSync(join(paths.bin, name), { recursive: true, force: true })
  }
  return dir
}

const install = "install it from https://go.dev/dl/"

/** Finds a Go toolchain that can build the programs. */
export async function findGo(): Promise<{ path: string; cache: string }> {
  const path = which("go") ?? ["/usr/local/go/bin/go", "/usr/lib/go/bin/go"].find(existsSync)
  const wanted = /^go (\S+)/m.exec(readFileSync(join(sources, "go.mod"), "utf8"))?.[1] ?? "1.26"
  if (!path) {
    throw new EngineError(
      "NO_GO",
      `The engine is built with the Go toolchain once, and there is no "go" on PATH.`,
      {
        fix: `${install} (${wanted} or later), or use the Dagger engine: --engine dagger`,
      },
    )
  }
  const said = await run(path, ["env", "GOVERSION", "GOTOOLCHAIN", "GOCACHE"], { cwd: "/" })
  const [version = "", toolchain = "", cache = ""] = said.stdout.split("\n")
  if (said.code !== 0)
    throw new EngineError("NO_GO", `${path} does not work: ${said.stderr}`, { fix: install })
  // From 1.21 on Go fetches the version that a go.mod asks for, where it is allowed to.
  const fetches = compareVersions(version, "1.21") >= 0 && toolchain !== "local"
  if (compareVersions(version, wanted) < 0 && !fetches) {
    throw new EngineError(
      "GO_TOO_OLD",
      `The engine needs Go ${wanted} or later, and ${path} is ${version}.`,
      {
        fix:
          toolchain === "local" ? `${install}, or allow Go to fetch it: GOTOOLCHAIN=auto` : install,
      },
    )
  }
  return { path, cache }
}

function buildFailed(stderr: string): EngineError {
  const last = stderr.split("\n").slice(-15).join("\n")
  if (/no space left on device/.test(last)) {
    return new EngineError(
      "DISK_FULL",
      `The disk became full while the engine was built.\n${last}`,
      {
        fix: "free some 2 GB (go clean -modcache empties Go's caches) and run: pyline setup",
      },
    )
  }
  const offline = /dial tcp|no such host|i\/o timeout|connection refused|proxyconnect|x509/.test(
    last,
  )
  return new EngineError("BUILD_FAILED", `The engine's programs could not be built:\n${last}`, {
    fix: offline
      ? "give Go a way to its modules (GOPROXY, HTTPS_PROXY, SSL_CERT_FILE) and run: pyline setup"
      : "pyline setup",
  })
}
