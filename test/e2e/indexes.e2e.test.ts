import { execFileSync } from "node:child_process"
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { folder, lastLine, pyline } from "./pyline.ts"

const NAME = "only-here"
const WHEEL = "only_here-1.0-py3-none-any.whl"

/** A wheel with one module, made without any build backend. */
function wheel(at: string): Buffer {
  const file = path.join(at, WHEEL)
  const code = `
import sys, zipfile
info = "only_here-1.0.dist-info/"
files = {
    "only_here.py": "ANSWER = 42\\n",
    info + "METADATA": "Metadata-Version: 2.1\\nName: only-here\\nVersion: 1.0\\n",
    info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: hand\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}
files[info + "RECORD"] = "".join(name + ",,\\n" for name in [*files, info + "RECORD"])
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name, text in files.items():
        archive.writestr(name, text)
`
  execFileSync("python3", ["-c", code, file])
  return readFileSync(file)
}

describe("an index that asks for a password", () => {
  const tokens = new Set(["first-token"])
  let [refused, served] = [0, 0]
  let server: Server
  let url = ""
  let source = ""
  let netrc = ""
  const login = (token: string) =>
    writeFileSync(netrc, `machine 127.0.0.1\nlogin me\npassword ${token}\n`, { mode: 0o600 })

  beforeAll(async () => {
    const data = wheel(folder())
    server = createServer((request, response) => {
      const sent = Buffer.from(request.headers.authorization?.split(" ")[1] ?? "", "base64")
      const [user, token] = sent.toString().split(":")
      if (user !== "me" || !tokens.has(token ?? "")) {
        refused += 1
        response.writeHead(401, { "www-authenticate": "Basic" }).end()
      } else if (request.url === `/simple/${NAME}/`) {
        served += 1
        response.writeHead(200, { "content-type": "text/html" })
        response.end(`<a href="/files/${WHEEL}">${WHEEL}</a>`)
      } else if (request.url === `/files/${WHEEL}`) {
        response.writeHead(200, { "content-length": data.length }).end(data)
      } else {
        response.writeHead(404).end()
      }
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`
    source = folder()
    netrc = path.join(folder(), "netrc")
    mkdirSync(path.join(source, "tests"))
    writeFileSync(path.join(source, "requirements.txt"), `--index-url ${url}\n${NAME}==1.0\n`)
    writeFileSync(
      path.join(source, "tests/test_it.py"),
      "import unittest\n\nimport only_here\n\n\nclass It(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(only_here.ANSWER, 42)\n",
    )
  })
  afterAll(() => {
    server.close()
  })

  test("without credentials the install fails and says so", async () => {
    const run = await pyline(["test", "--source", source])
    expect(run.exitCode, run.all).not.toBe(0)
    expect(run.all).toContain("--netrc")
    expect(refused).toBeGreaterThan(0)
  })

  test("with a netrc secret it is green, and no output has the token", async () => {
    login("first-token")
    const run = await pyline(["test", "--source", source, "--netrc", `file:${netrc}`])
    expect(run.exitCode, run.all).toBe(0)
    expect(lastLine(run.stdout)).toMatch(/^1 passed/)
    expect(served).toBeGreaterThan(0)
    expect(run.all).not.toContain("first-token")
  })

  test("another token installs nothing again", async () => {
    tokens.clear()
    tokens.add("second-token")
    login("second-token")
    const before = served
    appendFileSync(path.join(source, "tests/test_it.py"), `# ${Date.now()}\n`)
    const run = await pyline(["test", "--source", source, "--netrc", `file:${netrc}`])
    expect(run.exitCode, run.all).toBe(0)
    expect(run.all).not.toMatch(/^\[exec uv .*\] done in/m)
    expect(served).toBe(before)
  })
})
