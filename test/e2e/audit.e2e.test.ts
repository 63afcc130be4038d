import { randomUUID } from "node:crypto"
import { appendFileSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { example, folder, lastLine, pyline } from "./pyline.ts"

/** Packages that the service knows something about, with the identifier of it. */
const known = new Map<string, string>()
/** What the service answers instead, where it is not well. */
let trouble: { status: number; body: string } | undefined

const ADVISORY = {
  modified: "2026-01-01T00:00:00Z",
  published: "2025-01-01T00:00:00Z",
  aliases: ["CVE-2025-12345"],
  summary: "Quadratic time in the decoder",
  details: "A long input takes very long.",
  affected: [
    {
      package: { ecosystem: "PyPI", name: "iniconfig" },
      ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed: "99.1" }] }],
    },
  ],
  references: [{ type: "ADVISORY", url: "https://example.com/advisory" }],
}

/** A service of the form that https://google.github.io/osv.dev/api/ describes. */
const server = createServer((request, response) => {
  let text = ""
  request.on("data", (data) => {
    text += data
  })
  request.on("end", () => {
    if (trouble !== undefined) return response.writeHead(trouble.status).end(trouble.body)
    const send = (body: object) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
    if (request.method === "POST" && request.url === "/v1/querybatch") {
      const { queries } = JSON.parse(text) as { queries: { package: { name: string } }[] }
      return send({
        results: queries.map((query) => {
          const id = known.get(query.package.name)
          return id === undefined ? {} : { vulns: [{ id, modified: ADVISORY.modified }] }
        }),
      })
    }
    const id = /^\/v1\/vulns\/([\w-]+)$/.exec(request.url ?? "")?.[1]
    if (id === undefined) return response.writeHead(404).end()
    return send({ ...ADVISORY, id })
  })
})

let service = ""
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  service = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterAll(() => {
  server.close()
})

/** The library, whose only dependencies are those of its tests, with these settings. */
function source(setting = "", address = service): string {
  const copy = example("library-src")
  const lines = ["", "[tool.pyline]", `audit-service = "${address}"`, setting, ""]
  appendFileSync(path.join(copy, "pyproject.toml"), lines.join("\n"))
  return copy
}

test("nothing is known: green, each time asked anew", async () => {
  const copy = source()
  const run = await pyline(["audit", "--source", copy])
  expect(run.exitCode, run.all).toBe(0)
  expect(lastLine(run.stdout)).toMatch(/^audit: no known vulnerabilities in \d+ distributions/)
  known.set("iniconfig", "GHSA-aaaa-bbbb-cccc")
  const later = await pyline(["audit", "--source", copy])
  expect(later.exitCode, later.all).toBe(1)
  expect(later.stderr).toMatch(
    /error\[CHECK_FAILED\]: audit: 1 known vulnerability in \d+ distributions\n {2}pyproject\.toml GHSA-aaaa-bbbb-cccc iniconfig [\d.]+ has GHSA-aaaa-bbbb-cccc \(CVE-2025-12345\): Quadratic time in the decoder; fixed in 99\.1\n/,
  )
})

test("its reports are a result, SARIF and the whole answer", async () => {
  known.set("iniconfig", "GHSA-aaaa-bbbb-cccc")
  const reports = path.join(folder(), "reports")
  const args = ["reports", "--only", "audit", "--source", source(), "-o", reports]
  const run = await pyline(args)
  expect(run.exitCode, run.all).toBe(0)
  const read = (name: string) => JSON.parse(readFileSync(path.join(reports, name), "utf8"))
  expect(read("check-audit.json")).toMatchObject({ schema: 1, outcome: "failed" })
  expect(read("audit.sarif").runs[0].tool.driver.rules[0]).toMatchObject({
    id: "GHSA-aaaa-bbbb-cccc",
    shortDescription: { text: ADVISORY.summary },
    helpUri: "https://example.com/advisory",
  })
  expect(read("audit.json").vulnerabilities[0].fix_versions).toEqual(["99.1"])
})

test("one that is accepted, with its reason and day, and what is accepted for nothing", async () => {
  known.set("iniconfig", "GHSA-aaaa-bbbb-cccc")
  const accepted = `audit-ignore = [{ id = "cve-2025-12345", reason = "${randomUUID()}", until = 2999-01-01 }, "PYSEC-2020-1"]`
  const run = await pyline(["audit", "--source", source(accepted)])
  expect(run.exitCode, run.all).toBe(0)
  expect(run.stdout).toContain(
    "warning: ignore audit-ignore has PYSEC-2020-1, which is not found any more\n",
  )
  expect(lastLine(run.stdout)).toMatch(/^audit: no known vulnerabilities in \d+ .*, 1 ignored/)
})

test("one that was accepted until a day which is over is red", async () => {
  known.set("iniconfig", "GHSA-aaaa-bbbb-cccc")
  const over = `audit-ignore = [{ id = "GHSA-aaaa-bbbb-cccc", reason = "x", until = 2020-01-01 }]`
  const run = await pyline(["audit", "--source", source(over)])
  expect(run.exitCode, run.all).toBe(1)
  expect(run.stderr).toContain("; fixed in 99.1; it was ignored until 2020-01-01")
})

test.each([
  ["does not answer", "http://127.0.0.1:1/", undefined],
  ["is a page to log in at", undefined, { status: 200, body: "<html>" }],
])("a service that %s is no answer: errored, with exit status 3", async (_, url, answer) => {
  trouble = answer
  const run = await pyline(["audit", "--source", source("", url ?? service)])
  trouble = undefined
  expect(run.exitCode, run.all).toBe(3)
  expect(run.stderr).toContain("error[CHECK_ERRORED]: audit could not check: http://127.0.0.1:")
})
