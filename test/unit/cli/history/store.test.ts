import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { historyOf } from "../../../../cli/history/store.ts"
import { record, redRecord, runRecord } from "./records.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "pyline-history-"))
  vi.stubEnv("PYLINE_STATE_DIR", path.join(folder, "state"))
  for (const name of ["one", "other"]) mkdirSync(path.join(folder, name))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const project = (name = "one") => historyOf(path.join(folder, name))
const file = () => path.join(project().folder, "runs.jsonl")

test("each project has its own, whichever way one comes to it, and others cannot read it", () => {
  project().add(record({ inputs: "a" }))
  symlinkSync(path.join(folder, "one"), path.join(folder, "link"))
  expect(project("link").read()).toEqual([record({ inputs: "a" })])
  expect(project("other").read()).toEqual([])
  expect(statSync(file()).mode & 0o077).toBe(0)
  expect(statSync(project().folder).mode & 0o077).toBe(0)
})

test("a run from the cache is the run that it comes from", () => {
  const first = redRecord("a", "test_x")
  project().add(first)
  project().add({ ...first, at: "2026-03-01T12:30:00.000Z", ms: 300 })
  expect(project().read()).toEqual([first])
  // Another time that it ran, and other inputs.
  const again = {
    ...first,
    runs: [runRecord({ verdict: "failed", red: ["test_x"], seconds: 2.1 })],
  }
  project().add(again)
  project().add(redRecord("b", "test_x"))
  expect(project().read()).toHaveLength(3)
})

test("a line that is cut short is left out", () => {
  project().add(record({ inputs: "a" }))
  appendFileSync(file(), '{"v":1,"at":"2026')
  appendFileSync(file(), "\n")
  project().add(record({ inputs: "b" }))
  expect(
    project()
      .read()
      .map(({ inputs }) => inputs),
  ).toEqual(["a", "b"])
})

test("it does not grow for ever", () => {
  const red = Array.from({ length: 100 }, (_, index) => `${"x".repeat(290)}${index}`)
  for (let index = 0; index < 60; index++)
    project().add(record({ inputs: `${index}`, runs: [runRecord({ red })] }))
  expect(statSync(file()).size).toBeLessThan(1_100_000)
  expect(project().last()?.inputs).toBe("59")
})

test("of many projects those are forgotten that were looked at least lately", () => {
  const names = Array.from({ length: 205 }, (_, index) => `project-${index}`)
  for (const [index, name] of names.entries()) {
    mkdirSync(path.join(folder, name))
    project(name).add(record({ inputs: "a" }))
    utimesSync(path.join(project(name).folder, "runs.jsonl"), index, index)
  }
  expect(readdirSync(path.dirname(project().folder))).toHaveLength(200)
  expect(project("project-0").last()).toBeUndefined()
  expect(project("project-204").last()).toBeDefined()
})

test("a folder that is not there is a slip of the user", () => {
  expect(() => project("nowhere")).toThrow("there is no such folder")
})
