import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest"
import type { EngineError } from "../../../engine/daemon/error.ts"
import { enginePaths, makeDirs } from "../../../engine/daemon/paths.ts"
import { caBundle } from "../../../engine/setup/ca.ts"
import { loadConfig, saveConfig } from "../../../engine/setup/config.ts"
import { needRoom } from "../../../engine/setup/disk.ts"
import { proxyFor } from "../../../engine/setup/http.ts"
import { findBuildkit } from "../../../engine/setup/origin.ts"
import { probeRegistry } from "../../../engine/setup/registry.ts"
import { ensureRunc } from "../../../engine/setup/runc.ts"
import { findGo, toolsKey } from "../../../engine/setup/tools.ts"
import { compareVersions } from "../../../engine/setup/version.ts"
import { script, temporaryDir } from "./temporary.ts"

/** A directory that is first on PATH. */
let programs: string

beforeEach(() => {
  programs = temporaryDir()
  vi.stubEnv("PATH", `${programs}:${process.env.PATH}`)
  vi.stubEnv("BUILDKIT_HOST", undefined)
  // No runtime of this machine gets into the way.
  for (const name of ["docker", "podman", "nerdctl", "buildkitd"]) script(programs, name, "exit 1")
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** What a user reads. */
async function failure(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === "function" ? work() : work)
  } catch (error) {
    const { code, message, fix } = error as EngineError
    return `error[${code}]: ${message}\nfix: ${fix}`.replaceAll(programs, "<bin>")
  }
  throw new Error("it did not fail")
}

const silent = () => {}
const runc = (version: string) => script(programs, "runc", `echo "runc version ${version}"`)
const notPackaged = () => {
  script(programs, "dpkg-query", "exit 1")
  script(programs, "rpm", "exit 1")
}

test("runc: new enough", async () => {
  runc("1.1.12")
  expect(await ensureRunc(silent)).toEqual({ path: join(programs, "runc"), version: "1.1.12" })
})

test("runc: an old one that a distribution has mended", async () => {
  runc("1.1.5+ds1")
  script(
    programs,
    "dpkg-query",
    `case "$1" in --search) echo "runc: $2";; *) echo 1.1.5+ds1-1+deb12u1;; esac`,
  )
  script(programs, "dpkg", '[ "$2 $3 $4" = "1.1.5+ds1-1+deb12u1 ge 1.1.5+ds1-1+deb12u1" ]')
  expect(await ensureRunc(silent)).toMatchObject({ version: "1.1.5+ds1" })
  script(programs, "dpkg", "exit 1")
  expect(await failure(ensureRunc(silent))).toContain("error[RUNC_TOO_OLD]")
})

test("runc: an old one whose package says that it was mended", async () => {
  runc("1.1.4")
  script(programs, "dpkg-query", "exit 1")
  script(programs, "rpm", "echo '- fix CVE-2024-21626'")
  expect(await ensureRunc(silent)).toMatchObject({ version: "1.1.4" })
})

test("runc: too old", async () => {
  runc("1.1.5")
  notPackaged()
  expect(await failure(ensureRunc(silent))).toMatchInlineSnapshot(`
    "error[RUNC_TOO_OLD]: runc 1.1.5 (<bin>/runc) lets a build step out of its container (CVE-2024-21626); 1.1.12 is the first good version.
    fix: update it: apt-get install runc (Debian, Ubuntu), dnf install runc (Fedora), or https://github.com/opencontainers/runc/releases"
  `)
})

test("runc: broken", async () => {
  script(programs, "runc", "echo 'cannot load libseccomp' >&2; exit 127")
  expect(await failure(ensureRunc(silent))).toMatchInlineSnapshot(`
    "error[NO_RUNC]: <bin>/runc does not work: cannot load libseccomp
    fix: apt-get install runc (Debian, Ubuntu), dnf install runc (Fedora), or https://github.com/opencontainers/runc/releases"
  `)
})

test("go: too old", async () => {
  script(programs, "go", "printf 'go1.20.3\\nauto\\n/tmp\\n'")
  expect(await failure(findGo())).toMatch(
    /^error\[GO_TOO_OLD\]: The engine needs Go [\d.]+ or later, and <bin>\/go is go1.20.3.\nfix: install it from https:\/\/go.dev\/dl\/$/,
  )
})

test("go: old and not allowed to fetch another", async () => {
  script(programs, "go", "printf 'go1.22.0\\nlocal\\n/tmp\\n'")
  expect(await failure(findGo())).toContain(
    "fix: install it from https://go.dev/dl/, or allow Go to fetch it: GOTOOLCHAIN=auto",
  )
})

test("go: old but able to fetch what it needs", async () => {
  script(programs, "go", "printf 'go1.21.0\\nauto\\n/tmp/cache\\n'")
  expect(await findGo()).toEqual({ path: join(programs, "go"), cache: "/tmp/cache" })
})

test("BuildKit: BUILDKIT_HOST comes first", async () => {
  vi.stubEnv("BUILDKIT_HOST", "tcp://builder:1234")
  expect(await findBuildkit(enginePaths())).toEqual({
    origin: "host",
    address: "tcp://builder:1234",
  })
})

test("BuildKit: then one on PATH that is safe", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0)
  const says = (version: string) =>
    script(programs, "buildkitd", `echo "buildkitd github.com/moby/buildkit ${version} abc"`)
  says("v0.13.0")
  const program = join(programs, "buildkitd")
  expect(await findBuildkit(enginePaths())).toEqual({ origin: "path", program, version: "0.13.0" })
  for (const version of ["v0.12.4", "v0.0.0+unknown"]) {
    says(version)
    expect(await findBuildkit(enginePaths())).toEqual({ origin: "built" })
  }
})

test("BuildKit: then a container runtime that answers", async () => {
  script(programs, "podman", "exit 0")
  const found = await findBuildkit(enginePaths("/state"))
  expect(found).toMatchObject({ origin: "container", container: { runtime: "podman" } })
  expect(found.address).toMatch(/^podman-container:\/\/pyline-buildkit-[0-9a-f]{12}$/)
})

test("BuildKit: nothing without root", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(1000)
  expect(await failure(findBuildkit(enginePaths()))).toMatchInlineSnapshot(`
    "error[NOT_ROOT]: A BuildKit of our own has to run as root, no container runtime answers (docker, podman, nerdctl), and BUILDKIT_HOST is not set.
    fix: run as root, or start Docker or Podman, or set BUILDKIT_HOST to a running BuildKit, or use the Dagger engine (--engine dagger)"
  `)
})

test("no room on the disk", async () => {
  const message = await failure(() => needRoom("Building BuildKit", "/nowhere/yet", 1e18))
  expect(message.replace(/and \S+ \wB are/, "and N are")).toMatchInlineSnapshot(`
    "error[DISK_FULL]: Building BuildKit needs 1000000000.0 GB, and N are free on the disk of /nowhere/yet.
    fix: free some space there (pyline engine prune removes the build cache), or set PYLINE_STATE_DIR to another disk"
  `)
})

test("engine.json: what cannot be read is named", async () => {
  const paths = enginePaths(temporaryDir())
  expect(loadConfig(paths).images).toEqual({})
  writeFileSync(paths.config, "{oops")
  expect((await failure(() => loadConfig(paths))).replaceAll(paths.state, "<state>")).toMatch(
    /^error\[CONFIG_INVALID\]: <state>\/engine.json cannot be read: .*\nfix: correct it, or delete it and run: pyline setup$/,
  )
})

test("engine.json: what a user has added stays", () => {
  const paths = enginePaths(temporaryDir())
  const images = { "python:3.12-slim": { ref: "mirror.test/python:3.12-slim" } }
  writeFileSync(paths.config, JSON.stringify({ images }))
  const config = loadConfig(paths)
  saveConfig(paths, { ...config, key: "1" })
  expect(loadConfig(paths)).toMatchObject({ key: "1", images })
})

test("the programs are named by their sources", () => {
  expect(toolsKey()).toMatch(/^[0-9a-f]{20}$/)
  expect(toolsKey()).toBe(toolsKey())
})

test.each([
  ["1.1.12", "1.1.5", 1],
  ["1.1.5+ds1", "1.1.5", 0],
  ["go1.26.8", "1.26", 1],
  ["1.3.0-rc.2", "1.2.8", 1],
  ["0.9", "0.12.5", -1],
])("version %s against %s", (a, b, expected) => {
  expect(Math.sign(compareVersions(a, b))).toBe(expected)
})

test("certificate authorities: the first variable whose file is there", () => {
  const file = join(temporaryDir(), "ca.pem")
  writeFileSync(file, "")
  expect(caBundle({ SSL_CERT_FILE: "/nowhere", REQUESTS_CA_BUNDLE: file })).toBe(file)
  expect(caBundle({})).toBeUndefined()
})

async function registry(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.each([
  [200, undefined],
  [401, undefined],
  [429, undefined],
  [503, "it answered 503"],
])("a registry that answers %d", async (status, why) => {
  const host = await registry((_, response) => response.writeHead(status).end())
  expect(await probeRegistry(host)).toBe(why)
})

test("a registry that is not there, or says nothing", async () => {
  expect(await probeRegistry("127.0.0.1:1")).toContain("ECONNREFUSED")
  expect(await probeRegistry("registry.invalid")).toBe("its name is not known")
  const mute = await registry(() => {})
  expect(await probeRegistry(mute, 100)).toBe("no answer in 0.1 s")
})

test.each([
  [{}, undefined],
  [{ HTTPS_PROXY: "http://p:1" }, "http://p:1/"],
  [{ https_proxy: "p:1" }, "http://p:1/"],
  [{ HTTP_PROXY: "http://p:1" }, undefined],
  [{ ALL_PROXY: "http://p:1" }, "http://p:1/"],
  [{ HTTPS_PROXY: "http://p:1", NO_PROXY: "a.test, docker.io" }, undefined],
  [{ HTTPS_PROXY: "http://p:1", NO_PROXY: ".docker.io" }, undefined],
  [{ HTTPS_PROXY: "http://p:1", NO_PROXY: "*" }, undefined],
  [{ HTTPS_PROXY: "http://p:1", NO_PROXY: "ocker.io" }, "http://p:1/"],
])("the proxy by %j", (env, proxy) => {
  expect(proxyFor(new URL("https://registry-1.docker.io/v2/"), env)?.href).toBe(proxy)
})

test("a state directory that is open to all users is refused, one of a careless umask closed", async () => {
  const state = join(temporaryDir(), "state")
  mkdirSync(state)
  chmodSync(state, 0o777)
  makeDirs(enginePaths(state))
  expect(statSync(state).mode & 0o777).toBe(0o755)
  chmodSync(state, 0o1777)
  expect((await failure(() => makeDirs(enginePaths(state)))).replaceAll(state, "<state>")).toBe(
    `error[STATE_DIR_UNSAFE]: <state> is open to all users, so the engine does not keep its state there.
fix: set PYLINE_STATE_DIR to a directory of your own`,
  )
})
