import { spawn, spawnSync } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { example, folder, pyline } from "./pyline.ts"

const PYPISERVER = ["pypiserver==2.4.2", "passlib==1.7.4", "setuptools<80"]

/** Uploads that the index took, and how many are answered with 502 before. */
let uploads = 0
let broken = 0
let url = ""
let stop = () => {}

/**
 * A real index (pypiserver with a password file) behind a door: the door breaks when told to, and has what trusted
 * publishing needs, as PyPI and GitHub have it.
 */
beforeAll(async () => {
  const home = folder()
  const made = spawnSync("python3", ["-m", "venv", path.join(home, "venv")])
  expect(made.status, made.stderr?.toString()).toBe(0)
  const install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", ...PYPISERVER]
  const installed = spawnSync(path.join(home, "venv/bin/python"), install, { encoding: "utf8" })
  expect(installed.status, installed.stderr).toBe(0)
  const sha1 = createHash("sha1").update("right").digest("base64")
  writeFileSync(path.join(home, "htpasswd"), `me:{SHA}${sha1}\n`)
  mkdirSync(path.join(home, "packages"))
  const index = await freePort()
  const server = spawn(
    path.join(home, "venv/bin/pypi-server"),
    [
      ...["run", "-i", "127.0.0.1", "-p", String(index), "-P", path.join(home, "htpasswd")],
      ...["-a", "update", "--disable-fallback", path.join(home, "packages")],
    ],
    { stdio: "ignore" },
  )
  const door = createServer((incoming, response) => {
    const { method, headers } = incoming
    const json = (body: object) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
    if (incoming.url === "/_/oidc/audience") return json({ audience: "testing" })
    if (incoming.url === "/issue?job=1&audience=testing")
      return headers.authorization === "bearer of-the-job"
        ? json({ value: "identity" })
        : response.writeHead(401).end()
    if (incoming.url === "/_/oidc/mint-token") {
      let text = ""
      incoming.on("data", (data) => {
        text += data
      })
      incoming.on("end", () =>
        JSON.parse(text).token === "identity"
          ? json({ success: true, token: "pypi-minted" })
          : response.writeHead(422).end(),
      )
      return
    }
    if (method === "POST" && broken > 0) {
      broken -= 1
      incoming.resume()
      incoming.on("end", () => response.writeHead(502).end("bad gateway"))
      return
    }
    const login = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`
    const authorization =
      headers.authorization === login("__token__:pypi-minted")
        ? login("me:right")
        : headers.authorization
    const inner = request(
      {
        ...{ host: "127.0.0.1", port: index, method, path: incoming.url },
        headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      },
      (answer) => {
        const status = answer.statusCode ?? 500
        if (method === "POST" && status < 300) uploads += 1
        response.writeHead(status, answer.headers)
        answer.pipe(response)
      },
    )
    inner.on("error", () => response.destroy())
    incoming.pipe(inner)
  })
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(door.address() as AddressInfo).port}/`
  stop = () => {
    server.kill()
    door.close()
    door.closeAllConnections()
  }
  for (let tries = 0; tries < 120; tries++) {
    const up = await fetch(url).then(
      ({ status }) => status < 500,
      () => false,
    )
    if (up) return
    await sleep(500)
  }
  throw new Error("the index does not answer")
})
afterAll(() => {
  stop()
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The library at a version, with a file of its own so that nothing of it was built before. */
function library(version: string): string {
  const copy = example("library-src")
  const file = path.join(copy, "pyproject.toml")
  const text = readFileSync(file, "utf8").replace('version = "1.2.0"', `version = "${version}"`)
  writeFileSync(file, text)
  writeFileSync(path.join(copy, "src/slugs/word.py"), `WORD = "${randomUUID()}"\n`)
  return copy
}

function publish(source: string, ...args: string[]) {
  const env = { TOKEN: "right", WRONG: "quite-wrong-password" }
  const command = ["publish-package", "--source", source, "--index", url, ...args]
  return pyline(command, { env })
}
const password = ["--username", "me", "--token", "env:TOKEN"]
const quick = ["--skip-checks"]

let first = ""
test("checks, then uploads the wheel and the sdist; a second time uploads nothing", async () => {
  first = library("1.2.0")
  const run = await publish(first, ...password)
  expect(run.exitCode, run.all).toBe(0)
  expect(run.stdout.trim().split("\n")).toEqual([
    `published at ${url}simple/slugs/`,
    expect.stringMatching(/^slugs-1\.2\.0-py3-none-any\.whl {2}sha256:[0-9a-f]{64} {2}uploaded$/),
    expect.stringMatching(/^slugs-1\.2\.0\.tar\.gz {2}sha256:[0-9a-f]{64} {2}uploaded$/),
  ])
  expect(uploads).toBe(2)
  const again = await publish(first, ...password, ...quick)
  expect(again.exitCode, again.all).toBe(0)
  expect(again.stdout).toBe(run.stdout.replaceAll("uploaded\n", "already there\n"))
  expect(uploads).toBe(2)
})

test("the same version with other content is refused, and nothing is uploaded", async () => {
  appendFileSync(path.join(first, "README.md"), "\nOne more line.\n")
  const run = await publish(first, ...password, ...quick)
  expect(run.exitCode, run.all).toBe(2)
  expect(run.stderr).toMatch(
    /error\[PUBLISH_CONFLICT\]: slugs-1\.2\.0-py3-none-any\.whl is there with other content: sha256:\w+, and this one is sha256:/,
  )
  expect(uploads).toBe(2)
})

test("a wrong password is told as one, and is in no output", async () => {
  const wrong = ["--username", "me", "--token", "env:WRONG", ...quick]
  const run = await publish(library("1.2.3"), ...wrong)
  expect(run.exitCode, run.all).toBe(2)
  expect(run.stderr).toContain("error[PUBLISH_REFUSED]: the package index refuses access: ")
  expect(run.all).not.toContain("quite-wrong-password")
})

test("an index that fails for a moment is asked again; the CI host's identity becomes a token", async () => {
  broken = 2
  const [asks, bearer] = [path.join(folder(), "url"), path.join(folder(), "token")]
  writeFileSync(asks, `${url}issue?job=1\n`)
  writeFileSync(bearer, "of-the-job\n")
  const identity = ["--identity-url", `file:${asks}`, "--identity-token", `file:${bearer}`]
  const run = await publish(library("1.2.1"), ...identity, ...quick)
  expect(run.exitCode, run.all).toBe(0)
  expect(run.all).toContain("did not take it (502 (bad gateway)): trying again")
  expect(broken).toBe(0)
  expect(uploads).toBe(4)
})

test("an index that is down is an error with exit status 3", async () => {
  const command = ["publish-package", "--source", first, "--index", "http://127.0.0.1:1/", ...quick]
  const run = await pyline([...command, ...password], { env: { TOKEN: "right" } })
  expect(run.exitCode, run.all).toBe(3)
  expect(run.stderr).toContain(
    "error[PUBLISH_FAILED]: the package index failed: 127.0.0.1:1 cannot be reached (Connection refused)",
  )
})

test("a red test keeps it from being published", async () => {
  const source = library("1.2.2")
  appendFileSync(path.join(source, "tests/test_red.py"), "def test_red():\n    assert False\n")
  const run = await publish(source, ...password)
  expect(run.exitCode, run.all).toBe(1)
  expect(run.stderr).toContain("error[CHECKS_FAILED]")
  expect(uploads).toBe(4)
})
