import { readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { runModule, tree } from "./python.ts"

const SECRET = "hunter2/xyz+9"

function scan(
  files: Record<string, string | Buffer>,
  secrets: Record<string, string>,
  texts: Record<string, string> = {},
) {
  const folder = tree({ "texts.json": JSON.stringify(texts) })
  const result = path.join(folder, "result.json")
  runModule("scan", tree(files), path.join(folder, "texts.json"), tree(secrets), result)
  return JSON.parse(readFileSync(result, "utf8"))
}

const base64 = (text: string) => Buffer.from(text).toString("base64")

test("a secret is found in whatever form it is written", () => {
  const { found } = scan(
    {
      "a/plain": `x=${SECRET};`,
      "b/basic": `Authorization: Basic ${base64(`user:${SECRET}`)}`,
      "c/shifted": base64(`1${SECRET}--`),
      "d/shifted": base64(`12${SECRET}-`),
      "e/url": Buffer.from(base64(`a${SECRET}bc`).replaceAll("+", "-").replaceAll("/", "_")),
      "f/address": `https://user:${encodeURIComponent(SECRET)}@host/`,
      "g/hex": Buffer.from(SECRET).toString("hex"),
      "h/far": Buffer.concat([Buffer.alloc((8 << 20) - 4), Buffer.from(SECRET), Buffer.alloc(9)]),
      [`i/${encodeURIComponent(SECRET)}`]: "",
      "z/clean": "nothing",
    },
    { password: `${SECRET}\n` },
    { "the variable TOKEN": SECRET, "the label x": "fine" },
  )
  expect(
    found.map(({ where, form }: { where: string; form: string }) => `${where}: ${form}`),
  ).toMatchInlineSnapshot(`
    [
      "the variable TOKEN: plain",
      "/a/plain: plain",
      "/b/basic: base64",
      "/c/shifted: base64",
      "/d/shifted: base64",
      "/e/url: base64",
      "/f/address: percent-encoded",
      "/g/hex: hexadecimal",
      "/h/far: plain",
      "the name of /i/***: percent-encoded",
    ]
  `)
  expect(JSON.stringify(found)).not.toContain(encodeURIComponent(SECRET))
})

test("of a netrc the passwords are secrets, of a key its lines; names and hosts are none", () => {
  const key = `-----BEGIN PRIVATE KEY-----\n${"A1b2".repeat(16)}\n${"C3d4".repeat(16)}\n-----END PRIVATE KEY-----\n`
  const { found } = scan(
    {
      "one.pem": key.replace("A1b2".repeat(16), "changed"),
      "two.txt": "machine pypi.example.com login robot",
      "three.txt": "tok-3456789",
    },
    {
      "index-credentials": "machine pypi.example.com login robot password tok-3456789\n",
      "signing-key": key,
    },
  )
  expect(found).toEqual([
    { secret: "signing-key", where: "/one.pem", form: "plain" },
    { secret: "index-credentials", where: "/three.txt", form: "plain" },
  ])
})

test("values in variables and addresses are secrets too", () => {
  const { found } = scan(
    { a: "s3cr3t-one", b: "s3cr3t-two", c: "s3cr3t-three" },
    {
      one: "UV_INDEX_INTERNAL_USERNAME=robot\nUV_INDEX_INTERNAL_PASSWORD=s3cr3t-one\n",
      two: "[global]\nindex-url = https://robot:s3cr3t-two@pypi.example.com/simple\n",
      three: '[http-basic.internal]\nusername = "robot"\npassword = "s3cr3t-three"\n',
    },
  )
  expect(found.map(({ secret }: { secret: string }) => secret).sort()).toEqual([
    "one",
    "three",
    "two",
  ])
})

test("what is too short to be told apart is said to be", () => {
  expect(scan({ a: "abc" }, { password: "abc" })).toEqual({
    schema: 1,
    found: [],
    short: ["password"],
  })
})
