import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { init } from "../../../../cli/commands/init.ts"
import { pylineAddress } from "../../../../cli/init/address.ts"
import { HOSTS, type Host } from "../../../../cli/init/host.ts"

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
