import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { addSteps } from "../../../../cli/history/page.ts"
import type { StepRecord } from "../../../../cli/history/record.ts"
import { record } from "./records.ts"

const template = readFileSync(path.resolve("ci/probe/report/page.html"), "utf8")
const cached: StepRecord = { id: "a", name: "exec </script><b>", status: "cached", start: 0, ms: 0 }
const ran: StepRecord = { id: "b", name: "exec pytest", status: "done", start: 5, ms: 900 }

function added(html: string, steps: StepRecord[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), "pyline-page-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const page = path.join(folder, "index.html")
  writeFileSync(page, html)
  addSteps(page, steps, [record({ steps: [{ ...cached, status: "done", ms: 4000 }] })])
  return readFileSync(page, "utf8")
}

test("steps go where the template has room for them, with what the cache saved", () => {
  const html = added(template, [cached, ran])
  const [, data = ""] =
    /<script type="application\/json" id="steps">(.*?)<\/script>/.exec(html) ?? []
  expect(JSON.parse(data)).toEqual({
    steps: [
      { name: "exec </script><b>", status: "cached", start: 0, ms: 0, before: 4000 },
      { name: "exec pytest", status: "done", start: 5, ms: 900 },
    ],
    saved: 4000,
  })
  expect(data).not.toContain("<")
  expect(html.replace(data, "")).toBe(template)
})

test("a page without room, and a run without steps, stay as they are", () => {
  expect(added("<p>", [ran])).toBe("<p>")
  expect(added(template, [])).toBe(template)
})
