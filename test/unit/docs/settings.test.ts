import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { expect, test } from "vitest"
import { probe } from "../ci/fixtures.ts"

const root = path.resolve(import.meta.dirname, "../../..")

/** Code of a page: between fences, and what is indented. */
function codeOf(page: string): string[] {
  const fenced = [...page.matchAll(/^```\w*\n(.*?)^```$/gms)].map((match) => match[1] ?? "")
  const indented = page.replace(/^```.*?^```$/gms, "").match(/(?:^ {4,}\S.*\n|^\s*\n)+/gm) ?? []
  return [...fenced, ...indented.map((block) => block.replace(/^ {4,7}/gm, ""))]
}

test("settings that a page shows are settings", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "pyline-settings-"))
  try {
    const shown = readdirSync(path.join(root, "docs"))
      .filter((name) => name.endsWith(".md"))
      .flatMap((name) => codeOf(readFileSync(path.join(root, "docs", name), "utf8")))
      .filter((code) => /^\[tool\.pyline/m.test(code))
    const projects = shown.map((code, number) => {
      const at = path.join(folder, `${number}`)
      mkdirSync(at)
      const text = code.slice(code.search(/^\[tool\.pyline/m))
      writeFileSync(path.join(at, "pyproject.toml"), text)
      return at
    })
    expect(projects.length).toBeGreaterThan(12)
    const found = probe(projects)
    const wrong = projects.flatMap((at, number) =>
      (found[at]?.facts.errors ?? []).map(({ message }) => `${message}\n${shown[number]}`),
    )
    expect(wrong).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
