import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { pageOf } from "../../browser/folders.ts"

const place = (uri: string, startLine = 3) => ({
  physicalLocation: { artifactLocation: { uri, uriBaseId: "%SRCROOT%" }, region: { startLine } },
})

const one = (uri: string, more: object = {}) => ({
  ruleId: "F401",
  ruleIndex: 7,
  level: "error",
  message: { text: "unused" },
  locations: [place(uri)],
  ...more,
})

const sarif = (...results: unknown[]) => ({
  version: "2.1.0",
  runs: [{ tool: { driver: { name: "ruff", rules: [{ id: "E1" }, { id: "F401" }] } }, results }],
})

/** What is left of a check's file, and whether the page links to it. */
function made(document: unknown) {
  const folder = mkdtempSync(path.join(tmpdir(), "pyline-sarif-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const text = typeof document === "string" ? document : JSON.stringify(document)
  const page = new URL(pageOf(folder, { runs: [], files: { "lint.sarif": text } }))
  const file = path.join(folder, "made/lint.sarif")
  const links = readFileSync(page, "utf8").includes('href="lint.sarif"')
  expect(links).toBe(existsSync(file))
  return links ? JSON.parse(readFileSync(file, "utf8")) : undefined
}

test("a check's findings, in a category of their own", () => {
  const { runs, version } = made(sarif(one("src/a%20b.py")))
  expect(version).toBe("2.1.0")
  expect(runs).toEqual([
    {
      tool: { driver: { name: "ruff", rules: [{ id: "E1" }, { id: "F401" }] } },
      automationDetails: { id: "pyline/lint/" },
      results: [{ ...one("src/a%20b.py"), ruleIndex: 1 }],
    },
  ])
})

test("what a host would refuse the whole file for is left out or set right", () => {
  const { runs } = made(
    sarif(
      one("src/a.py", { level: "catastrophe", ruleId: "unknown" }),
      one("src/b.py", { locations: [] }),
      one("/etc/passwd"),
      one("../../x.py"),
      one("%2e%2e/x.py"),
      one("https://evil.example/x.py"),
      one("javascript:alert(1)"),
      one("src/c.py", { locations: [place("src/c.py", 0)] }),
    ),
  )
  expect(runs[0].results).toEqual([
    {
      level: "warning",
      ruleId: "unknown",
      message: { text: "unused" },
      locations: [place("src/a.py")],
    },
  ])
})

test.each([
  ["no JSON", "{"],
  ["another version", { ...sarif(), version: "2.0.0" }],
  ["no runs", { version: "2.1.0" }],
  ["no name of a tool", { version: "2.1.0", runs: [{ tool: { driver: {} }, results: [] }] }],
  ["a list", []],
  ["much too deep", "[".repeat(100_000)],
])("%s is no SARIF", (_, document) => {
  expect(made(document)).toBeUndefined()
})
