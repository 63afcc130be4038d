import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { DockerRegistry, hasDockerRegistry, LOGIN } from "../../contract/servers/dockerRegistry.ts"
import { image, tar } from "../../contract/servers/image.ts"
import { digestOf, Registry } from "../../contract/servers/registry.ts"
import { documents, file, run } from "./program.ts"

let registry: Registry
beforeEach(async () => {
  registry = await Registry.start()
})
afterEach(() => registry.down())

const made = (bytes = 1000) => image([tar({ "/data": randomBytes(bytes) })])

/** Puts an image into the registry; its reference by digest. */
function added(name = "me/app", tag = "first") {
  const made_ = made()
  registry.add(name, tag, made_)
  const digest = digestOf(made_.manifest)
  return { digest, ref: `${registry.host}/${name}@${digest}`, made: made_ }
}

const tagOf = (name: string, tag: string) => {
  const found = registry.repositories.get(name)?.manifests.get(tag)
  return found && digestOf(found.body)
}

describe("tags", () => {
  test("are put on what is there, byte for byte", async () => {
    const { ref, digest } = added()
    const { answer, printed } = await run(["tag", ref, "--stay", "abc", "--move", "main"])
    expect(answer).toMatchObject({
      ok: true,
      digest,
      tags: [
        { tag: "main", result: "new" },
        { tag: "abc", result: "new" },
      ],
    })
    expect(printed).toContain("/me/app:abc new")
    expect([tagOf("me/app", "abc"), tagOf("me/app", "main")]).toEqual([digest, digest])
  })

  test("that may not move are an error, and no other moves then", async () => {
    const old = added("me/app", "1.0")
    registry.add("me/app", "main", old.made)
    const { ref } = added("me/app", "second")
    const { answer } = await run(["tag", ref, "--stay", "1.0", "--move", "main", "--move", "new"])
    expect(answer).toEqual({
      schema: 1,
      ok: true,
      digest: expect.any(String),
      tags: [{ tag: "1.0", result: "taken", was: old.digest }],
    })
    expect(tagOf("me/app", "main")).toBe(old.digest)
    expect(tagOf("me/app", "new")).toBeUndefined()
    expect(registry.script.count(/PUT .*manifests/)).toBe(0)
  })

  test("that are kept stay while others move, and a tag that is right is not put again", async () => {
    const old = added("me/app", "1.0")
    registry.add("me/app", "main", old.made)
    const { ref, digest } = added("me/app", "abc")
    const args = ["tag", ref, "--keep", "1.0", "--move", "main", "--stay", "abc"]
    const { answer } = await run(args)
    expect(answer.tags).toEqual([
      { tag: "main", result: "moved", was: old.digest },
      { tag: "1.0", result: "kept", was: old.digest },
      { tag: "abc", result: "same", was: digest },
    ])
    expect(registry.script.count(/PUT .*manifests/)).toBe(1)
  })
})

test("a password that the registry repeats is not shown", async () => {
  const login = { username: "me", password: "hunter2-and-more" }
  const { ref } = added()
  registry.login = login
  const basic = Buffer.from(`${login.username}:${login.password}`).toString("base64")
  const message = `\x1b[2J${login.password} of ${basic} may not`
  const body = JSON.stringify({ errors: [{ message }] })
  registry.script.fail(/manifests/, { status: 403, body })
  const { answer, printed } = await run(["tag", ref, "--move", "x"], { login })
  expect(answer.message).toContain("403 (\ufffd[2J*** of *** may not)")
  expect(printed).not.toContain(login.password)
})

describe("documents", () => {
  test.each([true, false])("are attached to an image once (referrers API: %s)", async (api) => {
    registry.referrers = api
    const { ref, digest } = added()
    const list = documents(
      { type: "application/vnd.cyclonedx+json", text: '{"a":1}', title: "sbom.cdx.json" },
      { type: "application/vnd.example+json", text: '{"b":2}' },
    )
    const first = await run(["attach", ref, list])
    expect(first.printed).toMatch(/^sbom\.cdx\.json sha256:/)
    const puts = registry.script.count(/PUT .*manifests/)
    expect((await run(["attach", ref, list])).answer).toEqual(first.answer)
    expect(registry.script.count(/PUT .*manifests/)).toBe(puts)
    const out = path.dirname(file("x", ""))
    const found = await run(["referrers", ref, out])
    expect(found.answer).toMatchObject({
      digest,
      referrers: [
        {
          type: "application/vnd.cyclonedx+json",
          files: [{ file: "0-0", title: "sbom.cdx.json" }],
        },
        { type: "application/vnd.example+json", files: [{ file: "1-0", title: null }] },
      ],
    })
    expect(readFileSync(path.join(out, "0-0"), "utf8")).toBe('{"a":1}')
    const index = tagOf("me/app", digest.replace(":", "-"))
    expect(index === undefined).toBe(api)
  })

  test("are read beside what somebody attached that is none", async () => {
    registry.referrers = true
    const { ref, digest } = added()
    const type = "application/vnd.example+json"
    const subject = { mediaType: "x", digest, size: 1 }
    const big = randomBytes(17 << 20)
    const blob = Buffer.from("x")
    const repository = registry.repositories.get("me/app")
    for (const each of [big, blob]) repository?.blobs.set(digestOf(each), each)
    const layer = (of: Buffer) => ({ mediaType: type, digest: digestOf(of), size: of.length })
    const manifests = [
      { layers: [layer(big)] },
      { layers: [layer(Buffer.from("nowhere"))] },
      { layers: [{ digest: "sha256:../../other" }] },
      { layers: ["no layer", 7] },
      { layers: Array.from({ length: 33 }, () => layer(blob)) },
      { layers: [{ ...layer(blob), annotations: ["no annotations"] }] },
      { layers: 7 },
      { layers: [{ ...layer(blob), annotations: { "org.opencontainers.image.title": { a: 1 } } }] },
    ]
    for (const parts of manifests) {
      const mediaType = "application/vnd.oci.image.manifest.v1+json"
      const document = { schemaVersion: 2, mediaType, artifactType: type, subject, ...parts }
      const body = Buffer.from(JSON.stringify(document))
      repository?.manifests.set(digestOf(body), { type: mediaType, body })
    }
    const out = path.dirname(file("x", ""))
    await run(["attach", ref, documents({ type, text: "good", title: "good.json" })])
    const { answer } = await run(["referrers", ref, out, "--type", type])
    expect(answer).toMatchObject({ ok: true, digest })
    const found = answer.referrers as { problem?: string; files: { title: string }[] }[]
    expect(found.map(({ problem }) => problem !== undefined)).toEqual([
      ...[true, true, true, true, true, true, true, false],
      false,
    ])
    expect(found[0]?.problem).toBe("a document of more than 16 MiB")
    const target = `${registry.host}/me/copy`
    const copied = await run(["copy", ref, target, "--referrers"])
    expect(copied.answer).toMatchObject({ ok: true, digest })
    const there = await run(["referrers", `${target}@${digest}`, path.dirname(file("x", ""))])
    expect(there.answer.referrers).toContainEqual(
      expect.objectContaining({ files: [expect.objectContaining({ title: "good.json" })] }),
    )
    expect(found.map(({ files }) => files.map(({ title }) => title))).toEqual([
      ...[[], [], [], [], [], [], [], [null]],
      ["good.json"],
    ])
  })

  test("that differ from those of an earlier image in their time alone are the same", async () => {
    const bill = (timestamp: string, parts: number) =>
      JSON.stringify({ metadata: { timestamp }, parts })
    const spdx = (created: string) => JSON.stringify({ creationInfo: { created, by: "x" } })
    const list = (when: string, parts: number) =>
      documents(
        { type: "application/vnd.cyclonedx+json", text: bill(when, parts), timed: true },
        { type: "application/spdx+json", text: spdx(when), timed: true },
        { type: "application/vnd.example+json", text: when },
      )
    const texts = async (ref: string) => {
      const out = path.dirname(file("x", ""))
      await run(["referrers", ref, out])
      return ["0-0", "1-0", "2-0"].map((name) => readFileSync(path.join(out, name), "utf8"))
    }
    registry.referrers = true
    const first = added("me/app", "main")
    expect((await run(["attach", first.ref, list("monday", 1), "--like", "none"])).answer.ok).toBe(
      true,
    )
    const second = added("me/app", "second")
    await run(["attach", second.ref, list("tuesday", 1), "--like", "main"])
    expect(await texts(second.ref)).toEqual([bill("monday", 1), spdx("monday"), "tuesday"])
    const third = added("me/app", "third")
    await run(["attach", third.ref, list("friday", 2), "--like", "second"])
    expect(await texts(third.ref)).toEqual([bill("friday", 2), spdx("monday"), "friday"])
  })

  test("are kept under a tag and read again", async () => {
    const document = file("d.json", JSON.stringify({ type: "application/vnd.x", file: "d.json" }))
    const name = `${registry.host}/me/ledger:production`
    const stored = await run(["store", name, document])
    const out = path.dirname(file("x", ""))
    const { answer } = await run(["read", name, out])
    expect(answer).toMatchObject({ digest: stored.answer.digest, files: [{ file: "document-0" }] })
    expect(readFileSync(path.join(out, "document-0"), "utf8")).toContain("vnd.x")
  })

  test("that arrive corrupt are refused", async () => {
    const document = file("d.json", JSON.stringify({ type: "application/vnd.x", file: "d.json" }))
    const name = `${registry.host}/me/ledger:production`
    await run(["store", name, document])
    registry.script.fail(/GET .*blobs/, { corrupt: true })
    const { answer } = await run(["read", name, path.dirname(file("x", ""))])
    expect(answer).toMatchObject({ ok: false, kind: "invalid" })
    expect(answer.message).toMatch(/^sha256:\S+ arrived as sha256:/)
  })
})

describe("copies", () => {
  test("have the same digest, with what refers to the image", async () => {
    const other = await Registry.start()
    other.login = { username: "there", password: "pass" }
    const { ref, digest, made } = added()
    await run(["attach", ref, documents({ type: "application/vnd.x", text: "{}" })])
    const target = `${other.host}/prod/app`
    const copied = await run(["copy", ref, target, "--referrers"], { login: other.login })
    expect(copied.answer).toMatchObject({ ok: true, digest })
    const there = other.repositories.get("prod/app")
    expect(there?.manifests.get(digest)?.body.equals(made.manifest)).toBe(true)
    const found = await run(["referrers", `${target}@${digest}`, path.dirname(file("x", ""))], {
      login: other.login,
    })
    expect(found.answer.referrers).toHaveLength(1)
    await other.down()
  })

  test("in one registry move no layer", async () => {
    const { ref, made } = added()
    const { answer } = await run(["copy", ref, `${registry.host}/other/app`])
    expect(answer).toMatchObject({ ok: true })
    expect(registry.script.count(/GET .*blobs/)).toBe(0)
    expect(registry.received).toBe(made.manifest.length)
  })

  test("of several platforms take all along", async () => {
    const { made } = added()
    const child = {
      mediaType: made.type,
      digest: digestOf(made.manifest),
      size: made.manifest.length,
    }
    const type = "application/vnd.oci.image.index.v1+json"
    const body = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [child] }),
    )
    registry.repositories.get("me/app")?.manifests.set("many", { type, body })
    registry.repositories.get("me/app")?.manifests.set(digestOf(body), { type, body })
    const { answer } = await run([
      "copy",
      `${registry.host}/me/app:many`,
      `${registry.host}/other/app`,
    ])
    expect(answer).toMatchObject({ ok: true, digest: digestOf(body) })
    expect(tagOf("other/app", child.digest)).toBe(child.digest)
  })
})

describe("entries of a cache", () => {
  test("are found by who has the secret only where it vouches for them", async () => {
    const { ref, digest } = added("me/cache")
    const other = added("me/cache", "other")
    const find = async (...args: string[]) =>
      (await run(["find", `${registry.host}/me/cache:deps-1`, ...args])).answer
    const secretFile = (text: string) => ["--secret-file", file("secret", `${text}\n`)]
    const secret = secretFile("one secret of many letters")
    const wrong = secretFile("another secret of letters")
    expect(await find()).toMatchObject({ digest: null, why: "not there" })
    expect((await run(["vouch", ref, "deps-1", ...secret])).answer).toMatchObject({ ok: true })
    expect(await find()).toMatchObject({ digest })
    expect(await find(...secret)).toMatchObject({ digest })
    const nobody = { digest: null, why: "nothing vouches for it" }
    expect(await find(...wrong)).toMatchObject(nobody)
    // Somebody puts another image there; what vouches for the first does not vouch for it, nor for another tag.
    registry.add("me/cache", "deps-1", other.made)
    expect(await find(...secret)).toMatchObject(nobody)
    expect(await find()).toMatchObject({ digest: other.digest })
    const mac = registry.repositories.get("me/cache")?.manifests.get("deps-1.mac")
    registry.repositories
      .get("me/cache")
      ?.manifests.set("deps-2.mac", mac as NonNullable<typeof mac>)
    registry.add("me/cache", "deps-2", added("me/cache").made)
    const elsewhere = await run(["find", `${registry.host}/me/cache:deps-2`, ...secret])
    expect(elsewhere.answer).toMatchObject(nobody)
    const short = await run([
      "find",
      `${registry.host}/me/cache:deps-1`,
      "--secret-file",
      file("s", "short"),
    ])
    expect(short.answer).toMatchObject({ ok: false, kind: "invalid" })
  })
})

describe("logging in", () => {
  test("with a name and a password", async () => {
    registry.login = { username: "robot", password: "s3cret" }
    const { ref } = added()
    expect((await run(["tag", ref, "--move", "a"])).answer).toMatchObject({
      ok: false,
      kind: "refused",
    })
    const wrong = await run(["tag", ref, "--move", "a"], {
      login: { username: "robot", password: "wr0ng" },
    })
    expect(wrong.answer).toMatchObject({ ok: false, kind: "refused", status: 401 })
    expect(JSON.stringify(wrong)).not.toContain("wr0ng")
    const right = await run(["tag", ref, "--move", "a"], { login: registry.login })
    expect(right.answer).toMatchObject({ ok: true })
  })

  test("with tokens, also when one is used up on the way", async () => {
    registry.login = { username: "robot", password: "s3cret" }
    registry.tokens = { uses: 3 }
    const { ref } = added()
    const list = documents({ type: "application/vnd.x", text: "{}" })
    const attached = await run(["attach", ref, list], { login: registry.login })
    expect(attached.answer).toMatchObject({ ok: true })
    expect(registry.script.count(/GET \/token/)).toBeGreaterThan(2)
    // The password goes to the token's address alone.
    const basic = registry.script.asked.filter(({ headers }) =>
      headers.authorization?.startsWith("Basic"),
    )
    expect(basic.every(({ path }) => path.startsWith("/token?"))).toBe(true)
  })

  test("is not sent where a registry redirects to", async () => {
    const other = await Registry.start()
    const { ref, made } = added()
    other.add("me/app", "first", made)
    registry.login = { username: "robot", password: "s3cret" }
    registry.script.fail(/GET .*manifests/, {
      status: 307,
      headers: {
        location: `http://${other.host}/v2/me/app/manifests/${digestOf(made.manifest)}`,
      },
    })
    const { answer } = await run(["tag", ref, "--move", "first"], { login: registry.login })
    expect(answer).toMatchObject({ ok: true })
    expect(registry.script.asked.some(({ headers }) => headers.authorization)).toBe(true)
    expect(other.script.asked).toHaveLength(1)
    expect(other.script.asked[0]?.headers.authorization).toBeUndefined()
    await other.down()
  })
})

describe("a registry that fails", () => {
  test("is asked again, and an upload begins anew", async () => {
    registry.script.fail(/PUT .*blobs/, { status: 502 }, 1)
    registry.script.fail(/POST .*blobs/, { resetAfter: 0 }, 1)
    registry.script.fail(/PUT .*manifests/, { status: 503 }, 1)
    const { ref } = added()
    const list = documents({ type: "application/vnd.x", text: "{}" })
    const { answer, printed } = await run(["attach", ref, list])
    expect(answer).toMatchObject({ ok: true })
    expect(printed).toContain("did not answer (502): trying again in")
  })

  test("is left alone for as long as it asks for", async () => {
    const { ref } = added()
    const until = Date.now() + 2500
    registry.script.fail(/./, () =>
      Date.now() < until ? { status: 429, headers: { "retry-after": "3" } } : undefined,
    )
    expect((await run(["tag", ref, "--move", "a"])).answer).toMatchObject({ ok: true })
    expect(registry.script.asked.filter(({ at }) => at < until)).toHaveLength(1)
  })

  test("is given up where it asks for too long, and says so", async () => {
    const { ref } = added()
    registry.script.fail(/./, { status: 429, headers: { "retry-after": "3600" } })
    const { answer } = await run(["tag", ref, "--move", "a"])
    expect(answer).toMatchObject({ ok: false, kind: "limited", status: 429 })
    expect(registry.script.asked).toHaveLength(1)
  })

  test("says what it does not have", async () => {
    const { answer } = await run(["tag", `${registry.host}/nobody/app:none`, "--move", "a"])
    expect(answer).toMatchObject({
      ok: false,
      kind: "missing",
      message: `${registry.host}/nobody/app:none is not there`,
    })
  })
})

test.each(["UPPER/case", "a b", "host.test/x@sha256:12", "host.test/x:bad tag", "../../x"])(
  "%s names no image",
  async (name) => {
    const { answer } = await run(["digests", name, "tag"])
    expect(answer).toMatchObject({
      ok: false,
      kind: "invalid",
      message: `'${name}' does not name an image`,
    })
  },
)

describe.skipIf(!hasDockerRegistry)("the registry of Docker's distribution", () => {
  test("takes documents, tags and copies, with a password", async () => {
    const real = await DockerRegistry.start({ login: true })
    try {
      const { ref, digest } = added()
      const app = `${real.host}/me/app`
      const refused = await run(["check", app], { login: { ...LOGIN, password: "wrong" } })
      expect(refused.answer).toMatchObject({ ok: false, kind: "refused" })
      expect((await run(["check", app], { login: LOGIN })).answer).toMatchObject({ ok: true })
      const login = { login: LOGIN }
      expect((await run(["copy", ref, app], login)).answer).toMatchObject({ ok: true, digest })
      const list = documents({ type: "application/vnd.x", text: "{}" })
      const image = `${app}@${digest}`
      expect((await run(["attach", image, list], login)).answer).toMatchObject({ ok: true })
      expect((await run(["tag", image, "--stay", "1.0"], login)).answer).toMatchObject({ ok: true })
      const copy = ["copy", `${app}:1.0`, `${real.host}/prod/app`, "--referrers"]
      const both = { login: LOGIN, from: LOGIN }
      expect((await run(copy, both)).answer).toMatchObject({ ok: true, digest })
      const out = path.dirname(file("x", ""))
      const found = await run(["referrers", `${real.host}/prod/app@${digest}`, out], login)
      expect(found.answer.referrers).toHaveLength(1)
    } finally {
      await real.remove()
    }
  })
})
