import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { LARGEST, Memo } from "../../../engine/store/memo.ts"

let dir: string
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), "pyline-memo-"))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const key = "ab".repeat(32)
const file = () => path.join(dir, "memo", "ab", `${key}.json`)

test("keeps answers for the next process, for nobody else to read", () => {
  new Memo(path.join(dir, "memo")).set(key, { answer: [1, "two"] })
  expect(new Memo(path.join(dir, "memo")).get(key)).toEqual({ answer: [1, "two"] })
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  expect(statSync(path.dirname(file())).mode & 0o777).toBe(0o700)
  expect(readdirSync(path.dirname(file()))).toEqual([`${key}.json`])
})

test("does not keep what is too large", () => {
  const memo = new Memo(path.join(dir, "memo"))
  memo.set(key, { answer: "x".repeat(LARGEST) })
  expect(memo.get(key)).toBeUndefined()
})

test("forgets one, and all", () => {
  const memo = new Memo(path.join(dir, "memo"))
  memo.set(key, { ok: true })
  memo.forget(key)
  expect(memo.get(key)).toBeUndefined()
  memo.set(key, { ok: true })
  memo.clear()
  expect(memo.get(key)).toBeUndefined()
  memo.set(key, { ok: true })
  expect(memo.get(key)).toEqual({ ok: true })
})

test("takes a file that was cut short for none", () => {
  new Memo(path.join(dir, "memo")).set(key, { answer: "whole" })
  writeFileSync(file(), '{"answer":"wh')
  expect(new Memo(path.join(dir, "memo")).get(key)).toBeUndefined()
})

test("holds no more in memory than it may, and still knows the rest", () => {
  const memo = new Memo(path.join(dir, "memo"))
  const keys = Array.from({ length: 100 }, (_, i) => String(i).padStart(64, "0"))
  const answer = "x".repeat(LARGEST - 100)
  for (const k of keys) memo.set(k, { answer })
  for (const k of keys) expect(memo.get(k)).toEqual({ answer })
})
