import { expect, test } from "vitest"
import { Mask } from "../../../engine/graph/mask.ts"

const secret = 's3cret/"w0rd"? &more'
const masked = (text: string, value = secret) => {
  const mask = new Mask()
  mask.add(value)
  return mask.text(text)
}

test.each([
  ["as it is", secret],
  ["in base64", btoa(secret)],
  ["in base64 without padding", btoa(secret).replace(/=+$/, "")],
  ["in URL-safe base64", btoa(secret).replaceAll("/", "_").replaceAll("+", "-")],
  ["in a URL", encodeURIComponent(secret)],
  ["in a form", encodeURIComponent(secret).replaceAll("%20", "+")],
  ["in JSON", JSON.stringify(secret).slice(1, -1)],
])("a secret is hidden %s", (_, shown) => {
  expect(masked(`<${shown}>`)).toBe("<***>")
})

test("a secret is hidden in the base64 of something longer", () => {
  for (const before of ["", "a", "ab", "user:"]) {
    const shown = masked(btoa(`${before}${secret}!`))
    expect(shown).toMatch(/^[\w+/]{0,8}\*\*\*[\w+/=]{0,4}$/)
  }
})

test("a long line of a secret with many is hidden by itself, a short one is not", () => {
  const key = "-----BEGIN-----\nabcdefghijklmnopqrstuvwxyz\nend\n"
  expect(masked("[abcdefghijklmnopqrstuvwxyz] [end]", key)).toBe("[***] [end]")
})

test("base64 that was wrapped into lines is hidden line by line", () => {
  const key = "0123456789abcdef".repeat(10)
  const lines = btoa(key).match(/.{1,76}/g) ?? []
  expect(masked(lines.join("\n"), key)).toBe(lines.map(() => "***").join("\n"))
})

test("values so short that they are words stay", () => {
  expect(masked("a test of a test", "test")).toBe("a test of a test")
  expect(masked("nothing", "")).toBe("nothing")
})
