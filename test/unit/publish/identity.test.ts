import { execFile } from "node:child_process"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { promisify } from "node:util"
import { afterEach, expect, test } from "vitest"
import { probeDirectory } from "../ci/fixtures.ts"

const BEARER = "bearer-of-the-job-77c1"
const python = promisify(execFile)
let server: Server | undefined
afterEach(() => {
  server?.close()
  server?.closeAllConnections()
})

/** What comes of asking for an identity, and all that is printed. */
async function issued(address: string, bearer: string) {
  const program = `
import sys
from registry import identity, transport
transport.attempts = 1
try:
    print(identity.issued("sigstore", *sys.argv[1:], print))
except identity.IdentityError as error:
    print("passing" if error.passing else "refused", error)
`
  const env = { ...process.env, PYTHONPATH: probeDirectory }
  const { stdout, stderr } = await python("python3", ["-B", "-c", program, address, bearer], {
    env,
  })
  return `${stdout}${stderr}`.trim()
}

async function serve(answer: RequestListener): Promise<string> {
  const made = createServer(answer)
  server = made
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve))
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`
}

test("what a host says is repeated, but for the token that it was sent", async () => {
  const url = await serve(({ headers }, response) => {
    const description = `no job \x1b]0;x\x07 has\r\n${headers.authorization} or eyJhbGciOiJSUzI1NiJ9.e30.c2ln`
    response.writeHead(401).end(JSON.stringify({ errors: [{ description }] }))
  })
  expect(await issued(`${url}/issue?job=1`, BEARER)).toBe(
    "refused the CI host gives no identity: 401 (no job \ufffd]0;x\ufffd has bearer *** or ***)",
  )
})

test("a redirect to another host is followed without the token", async () => {
  const asked: (string | undefined)[] = []
  const url = await serve((incoming, response) => {
    asked.push(incoming.headers.authorization)
    const location = `${url.replace("127.0.0.1", "localhost")}/elsewhere`
    if (incoming.url === "/elsewhere") response.end('{"value": "a.b.c"}')
    else response.writeHead(302, { location }).end()
  })
  expect(await issued(`${url}/issue`, BEARER)).toBe("a.b.c")
  expect(asked).toEqual([`bearer ${BEARER}`, undefined])
})

test.each([
  "https://me:hunter2-and-more@host.test/issue",
  "https://[hunter2-and-more/issue",
  "hunter2-and-more:",
  "https://host.test/hunter2-and-more x",
  "ftp://hunter2-and-more/",
  "",
])("an address that is none is not asked, and not repeated: %s", async (address) => {
  const said = await issued(address, BEARER)
  expect(said).toMatch(/^refused where the CI host issues identities is no https address/)
  expect(said).not.toMatch(/hunter2|bearer/)
})

test.each(["hunter2-and-more\nx", "hunter2-and-more x", "hunter2-and-more\u4e00", ""])(
  "a token that cannot be sent is not repeated: %j",
  async (bearer) => {
    const said = await issued("https://host.test/issue", bearer)
    expect(said).toMatch(/^refused the token for the CI host is none/)
    expect(said).not.toMatch(/hunter2|Traceback/)
  },
)
