import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
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

const DAY = 24 * 60 * 60_000
const keys = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, "0").padEnd(64, "a"))
const fileOf = (k: string) => path.join(dir, "memo", k.slice(0, 2), `${k}.json`)
/** As if it had been used so long ago for the last time. */
const age = (name: string, days: number) => {
  const then = Date.now() / 1000 - days * 24 * 60 * 60
  utimesSync(name, then, then)
}
const exists = (k: string) => new Memo(path.join(dir, "memo")).get(k) !== undefined

test("a sweep removes what nobody asked for in a month, and what was left behind", async () => {
  const memo = new Memo(path.join(dir, "memo"))
  const [old = "", used = "", fresh = ""] = keys
  for (const k of [old, used, fresh]) memo.set(k, { ok: true })
  const left = `${fileOf(old)}.12.tmp`
  const written = `${fileOf(fresh)}.13.tmp`
  for (const name of [left, written]) writeFileSync(name, "half")
  for (const k of [old, used]) age(fileOf(k), 40)
  age(left, 1)
  // Asked for by another engine.
  expect(exists(used)).toBe(true)
  await memo.sweep()
  expect([old, used, fresh].map((k) => exists(k))).toEqual([false, true, true])
  expect(readdirSync(path.dirname(left))).toEqual([])
  expect(statSync(written).size).toBe(4)
})

test("a sweep removes the oldest of what is more than may be", async () => {
  const memo = new Memo(path.join(dir, "memo"))
  for (const [i, k] of keys.entries()) {
    memo.set(k, { answer: "x".repeat(1000) })
    age(fileOf(k), (100 - i) / 10)
  }
  const before = await memo.size()
  const { bytes } = await memo.sweep({ most: before / 2 })
  expect(bytes).toBeLessThanOrEqual(before * 0.4)
  expect(await memo.size()).toBe(bytes)
  const left = keys.filter((k) => readdirSync(path.dirname(fileOf(k))).length > 0)
  expect(left).toEqual(keys.slice(-left.length))
  expect(left.length).toBeGreaterThan(35)
  // What it knew it knows as long as it runs.
  expect(memo.get(keys[0] as string)).toBeDefined()
})

test("what is written while a sweep goes on is kept, or at worst not known", async () => {
  const memo = new Memo(path.join(dir, "memo"))
  for (const k of keys) {
    memo.set(k, { answer: "old" })
    age(fileOf(k), 40)
  }
  const other = new Memo(path.join(dir, "memo"))
  const sweeps = Promise.all([memo.sweep(), other.sweep()])
  for (const k of keys) {
    other.set(k, { answer: "new" })
    await new Promise((resolve) => setImmediate(resolve))
  }
  await sweeps
  for (const k of keys) {
    const known = new Memo(path.join(dir, "memo")).get(k)
    if (known !== undefined) expect(known).toEqual({ answer: "new" })
    expect(other.get(k)).toEqual({ answer: "new" })
  }
})

test("an answer in use is noted as that once a day, also where it is known already", () => {
  const memo = new Memo(path.join(dir, "memo"))
  memo.set(key, { ok: true })
  age(file(), 5)
  memo.get(key)
  expect(Date.now() - statSync(file()).mtimeMs).toBeGreaterThan(4 * DAY)
  const later = new Memo(path.join(dir, "memo"))
  later.get(key)
  expect(Date.now() - statSync(file()).mtimeMs).toBeLessThan(DAY)
})

test("there is nothing to sweep where nothing is", async () => {
  const memo = new Memo(path.join(dir, "none"))
  expect(await memo.sweep()).toEqual({ bytes: 0 })
  expect(await memo.size()).toBe(0)
})
