import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { init } from "../../../../cli/commands/init.ts"
import { pylineAddress } from "../../../../cli/init/address.ts"
import { HOSTS, type Host } from "../../../../cli/init/host.ts"
import { render } from "../../../../cli/init/render.ts"

const COMMIT = "0123456789abcdef0123456789abcdef01234567"
const from = `https://github.com/me/pyline@${COMMIT}`
const root = new URL("../../../../", import.meta.url)
const hosts = Object.keys(HOSTS) as Host[]

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), "pyline-init-"))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

function write(
  host: Host,
  options: { registry?: string; branch?: string; force?: boolean; from?: string } = {},
): string {
  const context = {
    cwd,
    interruption: () => ({ promise: new Promise<never>(() => {}), release: () => {} }),
    print: () => {},
    complain: () => {},
  }
  init({ kind: "init", host, from, force: false, branch: "main", ...options }, context, root)
  return readFileSync(path.join(cwd, HOSTS[host].file), "utf8")
}

describe.each(hosts)("%s", (host) => {
  test("checks, and publishes where it is told where to", async () => {
    const name = host === "jenkins" ? "Jenkinsfile" : `${host}.yml`
    await expect(write(host)).toMatchFileSnapshot(`files/check/${name}`)
    const publishing = write(host, { registry: "ghcr.io/me/app", force: true })
    await expect(publishing).toMatchFileSnapshot(`files/publish/${name}`)
  })

  test("releases a project that has environments, with the secrets that they need", async () => {
    const name = host === "jenkins" ? "Jenkinsfile" : `${host}.yml`
    // Both kinds of targets in one; the order is not that of the file.
    writeFileSync(
      path.join(cwd, "pyproject.toml"),
      `[tool.pyline.environments.production]
      target = "kubernetes"
      order = 2
      [tool.pyline.environments.staging]
      target = "docker"
      order = 1
      registry = "ghcr.io/me/app"`,
    )
    const releasing = write(host)
    await expect(releasing).toMatchFileSnapshot(`files/release/${name}`)
    expect(releasing).toContain("a release to staging and production")
  })

  test("maps no secret that no environment needs", () => {
    const environments = (target: string) => `[environments.here]\ntarget = "${target}"`
    writeFileSync(path.join(cwd, "pyline.toml"), environments("command"))
    const registry = "ghcr.io/me/app"
    expect(write(host, { registry })).not.toMatch(/ssh|known|kube/i)
    writeFileSync(path.join(cwd, "pyline.toml"), environments("compose"))
    const ssh = write(host, { registry, force: true })
    expect(ssh).toMatch(/ssh.?key/i)
    expect(ssh).not.toMatch(/kube/i)
    writeFileSync(path.join(cwd, "pyline.toml"), environments("kubernetes"))
    const kubernetes = write(host, { registry, force: true })
    expect(kubernetes).toMatch(/kube.?config/i)
    expect(kubernetes).not.toMatch(/ssh/i)
  })

  test("leaves a file that is there alone, unless told otherwise", () => {
    write(host)
    writeFileSync(path.join(cwd, HOSTS[host].file), "mine")
    expect(() => write(host)).toThrow(`${HOSTS[host].file} is there already`)
    expect(readFileSync(path.join(cwd, HOSTS[host].file), "utf8")).toBe("mine")
    expect(write(host, { force: true })).toContain("pyline")
  })
})

test.each([
  [{ registry: "ghcr.io/Me/App" }, "--registry ghcr.io/Me/App: not the name of a repository"],
  [{ registry: 'ghcr.io/me/app" && evil "' }, "not the name of a repository"],
  [{ branch: "main]\n  evil: x" }, "not a name of a branch"],
  [{ from: "https://github.com/me/pyline@v1" }, "not an address with a commit"],
  [
    { from: `https://example.com/pyline@${COMMIT}` },
    "GitHub Actions takes actions from github.com only",
  ],
  [{ from: `file:///srv/pyline@${COMMIT}` }, "a CI host needs an https address"],
])("%o is refused, and nothing is written", (options, message) => {
  expect(() => write("github", options)).toThrow(message)
  expect(existsSync(path.join(cwd, HOSTS.github.file))).toBe(false)
})

test.each([
  ["[environments.'a: b']", '"a: b" is not a name'],
  ["[environments", "pyline.toml cannot be read: Invalid TOML document"],
])("settings that say %s are refused", (text, message) => {
  writeFileSync(path.join(cwd, "pyline.toml"), text)
  expect(() => write("gitlab")).toThrow(message)
})

test.each([
  ["#if nothing\n#end", "a template asks for nothing"],
  ["#end", "a template has #end without #if"],
  ["#if release", "a template has #if without #end"],
  ["@NOTHING@", "a template has @NOTHING@, which is no value"],
])("a template with %j is wrong", (template, message) => {
  const values = { address: "https://example.com/pyline", commit: COMMIT, branch: "main" }
  expect(() => render(template, { ...values, environments: [] })).toThrow(message)
})

test("Pyline's own address is that of its checkout, as one for https", () => {
  const git = (...args: string[]) => execFileSync("git", ["-C", cwd, ...args], { encoding: "utf8" })
  git("init", "--quiet")
  const author = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
  git(...author, "commit", "--quiet", "--allow-empty", "--message", "first")
  expect(() => pylineAddress(undefined, cwd)).toThrow("it is not known where a CI host gets")
  git("remote", "add", "origin", "git@github.com:me/pyline.git")
  expect(pylineAddress(undefined, cwd)).toEqual({
    address: "https://github.com/me/pyline",
    commit: git("rev-parse", "HEAD").trim(),
  })
})
