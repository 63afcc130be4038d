import { execFileSync, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { runModule, tree } from "./python.ts"

const data = path.resolve(import.meta.dirname, "../../data/cosign")
const hasOpenssl = spawnSync("openssl", ["version"], { stdio: "ignore" }).status === 0
const DIGEST = `sha256:${"ab".repeat(32)}`
const statement = (digest: string) =>
  JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "x", digest: { sha256: digest.replace("sha256:", "") } }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
    predicate: {},
  })

const openssl = (...args: string[]) =>
  execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" })

/** A new key pair: PEM, the private one behind a password where one is given. */
function keys(password?: string) {
  const folder = tree()
  const file = (name: string) => path.join(folder, name)
  openssl(
    "genpkey",
    "-algorithm",
    "EC",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-out",
    file("plain.pem"),
  )
  openssl("pkey", "-in", file("plain.pem"), "-pubout", "-out", file("key.pub"))
  if (password === undefined) return { key: file("plain.pem"), publicKey: file("key.pub") }
  const to = ["-topk8", "-in", file("plain.pem"), "-passout", `pass:${password}`]
  openssl("pkcs8", ...to, "-out", file("locked.pem"))
  return { key: file("locked.pem"), publicKey: file("key.pub") }
}

function sign(key: string, password: string | undefined, text: string) {
  const folder = tree({ "signature.json": text, password: `${password}\n` })
  const result = path.join(folder, "result.json")
  const secret = password === undefined ? "" : path.join(folder, "password")
  runModule("signing", "sign", key, secret, result, path.join(folder, "signature.json"))
  return { folder, answer: JSON.parse(readFileSync(result, "utf8")) }
}

function verify(key: string, digest: string, ...bundles: string[]) {
  const result = path.join(tree(), "result.json")
  runModule("signing", "verify", key, digest, result, ...bundles)
  return JSON.parse(readFileSync(result, "utf8"))
}

describe.skipIf(!hasOpenssl)("signatures", () => {
  test("hold beside anything else that somebody attached", () => {
    const { key, publicKey } = keys()
    const good = path.join(
      sign(key, undefined, statement(DIGEST)).folder,
      "signature.sigstore.json",
    )
    const payload = Buffer.from("[".repeat(100_000)).toString("base64")
    const bundle = (parts: object) =>
      JSON.stringify({ ...JSON.parse(readFileSync(good, "utf8")), ...parts })
    const payloadType = "application/vnd.in-toto+json"
    const folder = tree({
      deep: '{"a":'.repeat(100_000),
      large: `[${"[],".repeat(2_000_000)}[]]`,
      bytes: Buffer.from([0xff, 0, 0xfe]),
      unsigned: bundle({ dsseEnvelope: { payloadType, payload, signatures: [] } }),
      signatures: bundle({ dsseEnvelope: { payloadType, payload, signatures: [{ sig: 7 }] } }),
    })
    const others = ["deep", "large", "bytes", "unsigned", "signatures"]
    const found = verify(publicKey, DIGEST, ...others.map((name) => path.join(folder, name)), good)
    expect(found.good).toHaveLength(1)
    expect(found.bad.map(({ file }: { file: string }) => file)).toEqual(others)
    expect(found.bad[1].why).toBe("it has more than 4 MiB")
  })

  test.each([undefined, "open sesame"])(
    "hold for their image and key (password: %s)",
    (password) => {
      const { key, publicKey } = keys(password)
      const { folder, answer } = sign(key, password, statement(DIGEST))
      expect(answer).toMatchObject({ ok: true, signed: [{ file: "signature.sigstore.json" }] })
      const bundle = path.join(folder, "signature.sigstore.json")
      const { good, bad } = verify(publicKey, DIGEST, bundle)
      expect([good.length, bad]).toEqual([1, []])
      const other = `sha256:${"cd".repeat(32)}`
      expect(verify(publicKey, other, bundle).bad).toEqual([
        { file: "signature.sigstore.json", why: "it speaks of another image" },
      ])
      expect(verify(keys().publicKey, DIGEST, bundle).bad[0].why).toBe(
        "it is signed with another key, or was changed",
      )
    },
  )

  test("do not hold for what was changed, and what is none is said to be none", () => {
    const { key, publicKey } = keys()
    const { folder } = sign(key, undefined, statement(DIGEST))
    const bundle = JSON.parse(readFileSync(path.join(folder, "signature.sigstore.json"), "utf8"))
    const other = `sha256:${"cd".repeat(32)}`
    const payload = Buffer.from(statement(other)).toString("base64")
    const changed = { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, payload } }
    const bare = { ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, signatures: [] } }
    const files = tree({
      changed: JSON.stringify(changed),
      bare: JSON.stringify(bare),
      list: "[]",
      rubbish: "not json",
    })
    const paths = ["changed", "bare", "list", "rubbish"].map((name) => path.join(files, name))
    const { good, bad } = verify(publicKey, other, ...paths)
    expect(good).toEqual([])
    expect(bad.map(({ why }: { why: string }) => why)).toEqual([
      "it is signed with another key, or was changed",
      "it is signed with another key, or was changed",
      "it is not a bundle of an in-toto statement",
      "it is not a bundle of an in-toto statement",
    ])
  })

  test("need the right password and a key of the right kind", () => {
    const { key } = keys("open sesame")
    const wrong = {
      ok: false,
      message: "it is not a private key in PEM, or its password is another one",
    }
    expect(sign(key, "wrong", statement(DIGEST)).answer).toMatchObject(wrong)
    expect(sign(key, undefined, statement(DIGEST)).answer).toMatchObject(wrong)
    const folder = tree()
    openssl("genpkey", "-algorithm", "ED25519", "-out", path.join(folder, "ed.pem"))
    expect(sign(path.join(folder, "ed.pem"), undefined, statement(DIGEST)).answer).toMatchObject({
      ok: false,
      message: "it is not an ECDSA key on the curve P-256",
    })
  })

  test("that cosign made are accepted", () => {
    const bundle = path.join(data, "bundle.sigstore.json")
    const { dsseEnvelope } = JSON.parse(readFileSync(bundle, "utf8"))
    const { subject } = JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString())
    const digest = `sha256:${subject[0].digest.sha256}`
    const { good, key } = verify(path.join(data, "cosign.pub"), digest, bundle)
    expect(good).toEqual([
      {
        file: "bundle.sigstore.json",
        predicateType: "https://sigstore.dev/cosign/sign/v1",
        predicate: {},
      },
    ])
    // The key is named in bundles as cosign names it.
    expect(JSON.parse(readFileSync(bundle, "utf8")).verificationMaterial.publicKey.hint).toBe(key)
  })
})
