// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is expanded here is not JavaScript
import { describe, expect, test } from "vitest"
import { scratch } from "../../../engine/graph/container.ts"
import { expandIn } from "../../../engine/graph/expand.ts"
import { lookupOwner, parseOwner } from "../../../engine/graph/owner.ts"
import { inContainer, isWithin, join } from "../../../engine/graph/path.ts"
import { parsePlatform } from "../../../engine/graph/platform.ts"
import { checkReference } from "../../../engine/graph/reference.ts"
import { setSecret } from "../../../engine/graph/secret.ts"

describe("image references", () => {
  const digest = `sha256:${"0".repeat(64)}`

  test.each([
    "python",
    "python:3.13-slim",
    "library/python",
    "localhost:5000/a/b:t",
    "127.0.0.1:5000/a",
    "[::1]:5000/a",
    "ghcr.io/owner/name.with-dots__and_bars:v1.2",
    `python@${digest}`,
    `host.example/python:3.13@${digest}`,
  ])("%s", (text) => expect(() => checkReference(text)).not.toThrow())

  test.each(["", "Not A Reference", "a//b", "-a", "a:", "a:b:c", "a@sha256:1", "a b", "a:t ag"])(
    "not %j",
    (text) => expect(() => checkReference(text)).toThrow("invalid reference format"),
  )

  test("are written in small letters", () => {
    expect(() => checkReference("host.example/My/App")).toThrow(
      "invalid reference format: repository name (My/App) must be lowercase",
    )
  })
})

describe("platforms", () => {
  test.each([
    ["linux/amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm/v7", "linux/arm/v7"],
    ["Linux/ARM64", "linux/arm64"],
  ])("%s is %s", (text, platform) => expect(parsePlatform(text)).toBe(platform))

  test.each(["", "linux", "not a platform", "a/b/c/d", "/amd64"])("not %j", (text) => {
    expect(() => parsePlatform(text)).toThrow("is not a platform")
  })
})

describe("owners", () => {
  const passwd = "root:x:0:0::/root:/bin/sh\napp:x:1000:2000::/home/app:/bin/sh\n"
  const group = "root:x:0:\nstaff:x:50:\n"

  test.each([
    ["app", "1000:2000"],
    ["app:staff", "1000:50"],
    ["app:7", "1000:7"],
    ["12:staff", "12:50"],
    ["12", "12:12"],
  ])("%s is %s", (owner, numbers) => expect(lookupOwner(owner, passwd, group)).toBe(numbers))

  test("that are not there are refused", () => {
    expect(() => lookupOwner("nobody", passwd, group)).toThrow("unable to find user nobody")
    expect(() => lookupOwner("app:wheel", passwd, group)).toThrow("unable to find group wheel")
    expect(() => parseOwner("app")).toThrow("no users are known here")
  })

  test("in numbers need no lookup", () => {
    expect(parseOwner("5:6")).toEqual({ user: { byID: 5 }, group: { byID: 6 } })
    expect(parseOwner("5")).toEqual({ user: { byID: 5 }, group: { byID: 5 } })
    expect(parseOwner("")).toBeUndefined()
  })
})

describe("variables in text", () => {
  const c = {
    ...scratch("linux/amd64"),
    secretEnv: [{ name: "TOKEN", secret: setSecret("t", "x") }],
  }
  c.config = { ...c.config, env: [{ name: "A", value: "1" }] }

  test.each([
    ["$A ${A} $A$A", "1 1 11"],
    ["$NOPE[${NOPE}]", "[]"],
    ["$$A", "A"],
    ["${A:-x}", ""],
    ["5$", "5$"],
  ])("%s is %j", (text, expanded) => expect(expandIn(c, text, true)).toBe(expanded))

  test("stay where that is not asked for", () => expect(expandIn(c, "$A", false)).toBe("$A"))

  test("may not be secrets", () => {
    expect(() => expandIn(c, "${TOKEN}", true)).toThrow(
      'expand cannot be used with secret env variable "TOKEN"',
    )
  })
})

test("paths end at the root when they climb out of it", () => {
  expect(join("/a", "../../b")).toBe("/b")
  expect(join("/", "a/")).toBe("/a")
  expect(inContainer("/app", "x/../y")).toBe("/app/y")
  expect(inContainer("", "x")).toBe("/x")
  expect(isWithin("/a/b", "/a")).toBe(true)
  expect(isWithin("/ab", "/a")).toBe(false)
  expect(isWithin("/ab", "/")).toBe(true)
})
