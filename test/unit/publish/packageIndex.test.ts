import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { packageNotPublished, versionUntold } from "../../../ci/src/errors.ts"
import { packageIndex, portable } from "../../../ci/src/project/packageIndex.ts"
import { probeDirectory } from "../ci/fixtures.ts"
import { tree } from "./python.ts"

test("an index by its name or its address, and where it says what it has", () => {
  const at = (index: string, simple?: string) => packageIndex(index, simple).simple
  expect(packageIndex("pypi", undefined)).toEqual({
    upload: "https://upload.pypi.org/legacy/",
    simple: "https://pypi.org/simple/",
    takesLinuxWheels: false,
  })
  expect(packageIndex("https://test.pypi.org/legacy/", undefined).takesLinuxWheels).toBe(false)
  expect(at("https://pypi.example.com/legacy/")).toBe("https://pypi.example.com/simple/")
  expect(at("https://gitlab.example.com/api/v4/projects/1/packages/pypi")).toBe(
    "https://gitlab.example.com/api/v4/projects/1/packages/pypi/simple/",
  )
  expect(at("http://127.0.0.1:8080/")).toBe("http://127.0.0.1:8080/simple/")
  expect(at("http://127.0.0.1:8080/", "http://127.0.0.1/+simple/")).toBe(
    "http://127.0.0.1/+simple/",
  )
  expect(() => at("pipy")).toThrow("--index pipy: not the address of a package index")
  expect(() => at("https://me:secret@example.com/")).toThrow("--index has a login in it")
})

test("a wheel that fits this machine only is left out where the index refuses it", () => {
  const names = ["x-1-cp313-cp313-linux_x86_64.whl", "x-1.tar.gz"]
  expect(portable(names, packageIndex("pypi", undefined))).toEqual({
    files: ["x-1.tar.gz"],
    left: ["x-1-cp313-cp313-linux_x86_64.whl"],
  })
  expect(portable(names, packageIndex("http://127.0.0.1/", undefined)).files).toEqual(names)
  const many = ["x-1-cp313-cp313-manylinux_2_17_x86_64.whl"]
  expect(portable(many, packageIndex("pypi", undefined)).files).toEqual(many)
})

test("errors of publishing, word for word", () => {
  expect(packageNotPublished("taken", "x-1.tar.gz is there with other content").message).toBe(
    `error[PUBLISH_CONFLICT]: x-1.tar.gz is there with other content
An index takes a file once. Nothing was uploaded in its place.
fix: raise the version
docs: docs/publish-package.md`,
  )
  expect(versionUntold("1.2.3").message).toBe(
    `error[VERSION_UNTOLD]: the version of the package comes from git, and nothing says which one this is
Built without being told it would be 1.2.3, and a version can be published only once.
fix: say which version it is: --package-version 1.2.3, or the version setting
docs: docs/publish-package.md`,
  )
})

describe("asking an index", () => {
  const content = "sdist of demo"
  const digest = createHash("sha256").update(content).digest("hex")
  /** What the index has, by paths: a status, a type and a body. */
  let pages: Record<string, [number, string, string]> = {}
  let asked: string[] = []
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? "nobody"}`)
    const [status, type, body] = pages[`${request.method} ${request.url}`] ?? [
      404,
      "text/plain",
      "",
    ]
    if (status === 302) response.writeHead(status, { location: body }).end()
    else response.writeHead(status, { "content-type": type }).end(body)
  })
  let url = ""
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.close()
  })
  beforeEach(() => {
    pages = {}
    asked = []
  })

  /** Publishes a directory with one sdist that is there already, or is not. */
  async function publish(...args: string[]) {
    const folder = tree({ "dist/demo-1.0.tar.gz": content, password: "right\n", ask: "bearer\n" })
    const output = path.join(folder, "output.json")
    const base = [path.join(folder, "dist"), "--name", "demo", "--upload", `${url}/legacy/`]
    const run = promisify(execFile)(
      "python3",
      [
        ...["-B", "-m", "package_index", ...base, "--simple", `${url}/simple/`],
        ...["--output", output, ...args.map((arg) => arg.replace("FOLDER", folder))],
      ],
      { env: { ...process.env, PYTHONPATH: probeDirectory } },
    )
    await run
    return JSON.parse(readFileSync(output, "utf8"))
  }
  const password = ["--username", "me", "--password-file", "FOLDER/password"]
  const there = { ok: true, files: [{ sha256: digest, state: "already there" }] }

  test("as HTML with a digest, with the login", async () => {
    const link = `<!DOCTYPE html><base href="${url}/files/"><a href="demo-1.0.tar.gz#sha256=${digest}">x</a>`
    pages["GET /simple/demo/"] = [200, "text/html", link]
    expect(await publish(...password)).toMatchObject(there)
    expect(asked).toEqual(["GET /simple/demo/ Basic bWU6cmlnaHQ="])
  })

  test("as JSON", async () => {
    const files = [{ filename: "demo-1.0.tar.gz", url: "../x", hashes: { sha256: digest } }]
    const type = "application/vnd.pypi.simple.v1+json"
    pages["GET /simple/demo/"] = [200, type, JSON.stringify({ meta: {}, files })]
    expect(await publish(...password)).toMatchObject(there)
  })

  test("without a digest: the file itself is looked at", async () => {
    pages["GET /simple/demo/"] = [200, "text/html", `<a href="/files/demo-1.0.tar.gz">x</a>`]
    pages["GET /files/demo-1.0.tar.gz"] = [200, "application/gzip", content]
    expect(await publish(...password)).toMatchObject(there)
    pages["GET /files/demo-1.0.tar.gz"] = [200, "application/gzip", "something else"]
    expect(await publish(...password)).toMatchObject({ ok: false, kind: "taken" })
  })

  test("one that sends us to another index does not have it, and that one gets no password", async () => {
    const elsewhere: string[] = []
    const other = createServer((request, response) => {
      elsewhere.push(request.headers.authorization ?? "nobody")
      response.end(request.url === "/file" ? content : `<a href="/demo-1.0.tar.gz">x</a>`)
    })
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve))
    const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    pages["GET /simple/demo/"] = [302, "", `${address}/simple/demo/`]
    // Nothing is there, and nobody says who uploads.
    expect(await publish()).toMatchObject({ ok: false, kind: "refused" })
    const files = [{ filename: "demo-1.0.tar.gz", url: `${address}/file`, hashes: {} }]
    pages["GET /simple/demo/"] = [200, "application/json", JSON.stringify({ files })]
    expect(await publish(...password)).toMatchObject(there)
    other.close()
    expect(elsewhere).toEqual(["nobody", "nobody"])
  })

  test("a page that is no index is an error before anything is uploaded", async () => {
    pages["GET /simple/demo/"] = [200, "application/json", "<html>"]
    expect(await publish(...password)).toMatchObject({ ok: false, kind: "unreachable" })
    pages["GET /simple/demo/"] = [401, "text/plain", ""]
    expect(await publish(...password)).toMatchObject({ ok: false, kind: "refused" })
    expect(asked.every((line) => line.startsWith("GET "))).toBe(true)
  })

  test("an identity that the index does not know is told in its words", async () => {
    pages["GET /_/oidc/audience"] = [200, "application/json", `{"audience": "for us"}`]
    pages["GET /issue?a=b&audience=for%20us"] = [200, "application/json", `{"value": "a.b.c"}`]
    const errors = {
      errors: [{ code: "invalid-publisher", description: "valid token, but no publisher" }],
    }
    pages["POST /_/oidc/mint-token"] = [422, "application/json", JSON.stringify(errors)]
    const folder = tree({ url: `${url}/issue?a=b` })
    expect(
      await publish(
        ...["--identity-url-file", path.join(folder, "url"), "--identity-token-file", "FOLDER/ask"],
      ),
    ).toEqual({
      schema: 1,
      ok: false,
      kind: "identity",
      message: `${url} gives no token: 422 (valid token, but no publisher)`,
    })
    expect(asked).toContain("GET /issue?a=b&audience=for%20us bearer bearer")
  })
})
