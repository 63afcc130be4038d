import { request } from "node:http"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type OpenSession, OwnEngine } from "./servers/engine.ts"

let engine: OwnEngine
let session: OpenSession
beforeAll(async () => {
  engine = await OwnEngine.create()
  session = await engine.open()
})
afterAll(async () => {
  await session?.engine.close()
  await engine?.remove()
})

interface Ask {
  method?: string
  path?: string
  host?: string
  token?: string | null
  headers?: Record<string, string>
  body?: string
}

const VERSION = JSON.stringify({ query: "{ version }" })

/** One HTTP request as anybody on this machine, or a page in a browser, could make it. */
function ask({ method = "POST", path = "/query", token, headers, ...rest }: Ask = {}) {
  const { port } = session.engine
  const secret = token === undefined ? session.engine.token : token
  return new Promise<{ status: number; text: string; headers: NodeJS.Dict<unknown> }>(
    (resolve, reject) => {
      const sent = request(
        {
          host: "127.0.0.1",
          port,
          agent: false,
          method,
          path,
          headers: {
            host: rest.host ?? `127.0.0.1:${port}`,
            "content-type": "application/json",
            ...(secret !== null && {
              authorization: `Basic ${Buffer.from(`${secret}:`).toString("base64")}`,
            }),
            ...headers,
          },
        },
        (response) => {
          let text = ""
          response.setEncoding("utf8")
          response.on("data", (chunk) => {
            text += chunk
          })
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
          )
        },
      )
      sent.on("error", reject)
      sent.end(rest.body ?? VERSION)
    },
  )
}

describe("the HTTP server of the embedded engine", () => {
  test("answers who has the token", async () => {
    const { status, text } = await ask()
    expect(status).toBe(200)
    expect(JSON.parse(text)).toEqual({ data: { version: "v0.21.8" } })
  })

  test.each([
    ["no token", { token: null }],
    ["another token", { token: "x".repeat(64) }],
    ["an empty token", { token: "" }],
    ["another scheme", { token: null, headers: { authorization: "Bearer x" } }],
    ["something else than base64", { token: null, headers: { authorization: "Basic %%%" } }],
  ] as [string, Ask][])("refuses %s", async (_, how) => {
    const { status, text } = await ask(how)
    expect(status).toBe(401)
    expect(text).not.toContain("version")
  })

  test("refuses another name for this machine (DNS rebinding)", async () => {
    for (const host of ["evil.example", "127.0.0.1.evil.example:80", "evil.example:1", "[::2]"]) {
      expect((await ask({ host })).status, host).toBe(403)
    }
    expect((await ask({ host: "localhost" })).status).toBe(200)
  })

  test("refuses what a web page could send", async () => {
    expect((await ask({ headers: { origin: "http://127.0.0.1" } })).status).toBe(403)
    expect((await ask({ headers: { origin: "null" } })).status).toBe(403)
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      expect((await ask({ headers: { "content-type": type } })).status, type).toBe(415)
    }
    for (const method of ["GET", "OPTIONS", "PUT", "HEAD"]) {
      const { status, headers } = await ask({ method, body: "" })
      expect(status, method).toBe(405)
      expect(headers["access-control-allow-origin"]).toBeUndefined()
    }
  })

  test("knows one path", async () => {
    for (const path of ["/", "/query/", "/queries", "/../query", "/query?x=1"]) {
      expect((await ask({ path })).status, path).toBe(404)
    }
  })

  test("refuses requests that are not requests", async () => {
    for (const body of ["", "{", "[]", "null", '"x"', "{}", '{"query":1}', '{"query":null}']) {
      expect((await ask({ body })).status, body).toBe(400)
    }
  })

  test("refuses what is too large, and goes on", async () => {
    const body = JSON.stringify({ query: "{ version }", pad: "x".repeat(65 << 20) })
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      const answer = await ask({ body, headers }).catch((e) => e)
      // The connection may be closed before all was sent: then there is nobody to read the answer.
      if (!(answer instanceof Error)) expect(answer.status).toBe(413)
      expect((await ask()).status).toBe(200)
    }
  })

  test("refuses what is too deep or has too many words", async () => {
    const deep = `{ directory ${'{ directory(path: ".") '.repeat(20_000)}`
    const many = `{ ${"version ".repeat(300_000)} }`
    for (const query of [deep, `${deep}${"}".repeat(20_001)}`, many]) {
      const { status, text } = await ask({ body: JSON.stringify({ query }) })
      expect(status).toBe(200)
      expect(JSON.parse(text).errors).toHaveLength(1)
    }
    expect((await ask()).status).toBe(200)
  })

  test("says of what it does not know that it does not", async () => {
    const body = JSON.stringify({ query: '{ git(url: "x") { head { commit } } }' })
    const { errors } = JSON.parse((await ask({ body })).text)
    expect(errors[0].message).toBe(
      'Cannot query field "git" on type "Query" is not supported by the embedded engine, use --engine dagger',
    )
  })

  test("ends with its session", async () => {
    const other = await engine.open()
    const { token } = other.engine
    expect((await ask({ token })).status).toBe(200)
    await other.engine.close()
    expect((await ask({ token })).status).toBe(401)
  })
})
