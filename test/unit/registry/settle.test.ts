import { randomBytes } from "node:crypto"
import { afterEach, beforeEach, expect, test } from "vitest"
import { type Image, image, tar } from "../../contract/servers/image.ts"
import { digestOf, Registry } from "../../contract/servers/registry.ts"
import { run } from "./program.ts"

let registry: Registry
beforeEach(async () => {
  registry = await Registry.start()
})
afterEach(() => registry.down())

const COMMIT = "2026-01-31T11:00:00Z"
const INDEX = "application/vnd.oci.image.index.v1+json"
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const layers = () => [1, 2, 3, 4].map(() => tar({ "/data": randomBytes(100) }))

/** The same image as an engine writes it: `when` it made each layer, `how` it calls that, and in what order it writes. */
function written(of: Buffer[], when: string, how: string, config: object): Image {
  const made = image(of)
  const { rootfs, architecture, os } = JSON.parse(made.config.toString())
  const document = json({
    created: when,
    ...{ config: { Labels: { "org.opencontainers.image.created": COMMIT }, ...config } },
    ...{ rootfs, os, architecture, "moby.buildkit.buildinfo.v1": how },
    history: of.map((_, i) => ({ created: when, created_by: `${how} ${i}`, comment: how })),
  })
  const manifest = JSON.parse(made.manifest.toString())
  const descriptors = manifest.layers.map((layer: object) => ({
    ...layer,
    annotations: { "buildkit/createdat": when },
  }))
  return {
    ...made,
    config: document,
    manifest: json({
      ...manifest,
      config: { ...manifest.config, digest: digestOf(document), size: document.length },
      layers: descriptors,
      annotations: { "org.opencontainers.image.title": "shop" },
    }),
  }
}

const settle = (digest: string) =>
  run([
    ...["settle", `${registry.host}/me/shop@${digest}`, "--upload-tag", "upload"],
    ...["--base", "python:3.13-slim", "--layer", "system", "--layer", "application"],
  ])

const stored = (reference: string) =>
  registry.repositories.get("me/shop")?.manifests.get(reference)?.body
const read = (data: Buffer | undefined) => JSON.parse(data?.toString() ?? "null")
const blob = (digest: string) => read(registry.repositories.get("me/shop")?.blobs.get(digest))

test("what engines write at other times and in other ways becomes one image", async () => {
  const of = layers()
  const some = { Env: ["A=1"], User: "10001:10001" }
  const images = [
    written(of, "2026-02-01T10:00:00.123456789Z", "RUN one", some),
    written(of, "2026-03-07T10:00:00Z", "copy", { User: some.User, Volumes: null, Env: some.Env }),
  ]
  const digests = []
  for (const each of images) {
    registry.add("me/shop", "upload", each)
    const { answer } = await settle(digestOf(each.manifest))
    expect(answer).toMatchObject({ ok: true })
    digests.push(answer.digest as string)
  }
  const [digest = "", other] = digests
  expect(other).toBe(digest)
  expect(digests).not.toContain(digestOf(images[0]?.manifest ?? Buffer.alloc(0)))
  const manifest = read(stored(digest))
  expect(manifest.layers.map((layer: { digest: string }) => layer.digest)).toEqual(of.map(digestOf))
  expect(manifest.annotations).toEqual({ "org.opencontainers.image.title": "shop" })
  expect(blob(manifest.config.digest)).toMatchObject({
    created: COMMIT,
    config: some,
    rootfs: { diff_ids: of.map(digestOf) },
    history: ["python:3.13-slim", "python:3.13-slim", "system", "application"].map((name) => ({
      created: COMMIT,
      created_by: name,
    })),
  })
})

test("another commit, or another layer, is another image", async () => {
  const of = layers()
  const base = { Env: ["A=1"] }
  const commit = { Labels: { "org.opencontainers.image.created": "2026-02-02T00:00:00Z" } }
  const digests = new Set()
  for (const each of [
    written(of, COMMIT, "", base),
    written(of, COMMIT, "", { ...base, ...commit }),
    written(layers(), COMMIT, "", base),
    written(of, COMMIT, "", { Env: ["A=2"] }),
  ]) {
    registry.add("me/shop", "upload", each)
    digests.add((await settle(digestOf(each.manifest))).answer.digest)
  }
  expect(digests.size).toBe(4)
})

test.each([true, false])(
  "no tag stays on what was uploaded (tags can be removed: %s)",
  async (untags) => {
    registry.untags = untags
    const made = written(layers(), COMMIT, "", {})
    registry.add("me/shop", "upload", made)
    const { answer } = await settle(digestOf(made.manifest))
    expect(stored("upload")).toEqual(untags ? undefined : stored(answer.digest as string))
  },
)

test("of an image of several platforms each is settled, and what all say is said of all", async () => {
  const parts = ["amd64", "arm64"].map((architecture) => ({ architecture, of: layers() }))
  const uploaded = ["2026-02-01T10:00:00Z", "2026-03-07T10:00:00Z"].map((when) => {
    const manifests = parts.map(({ architecture, of }, i) => {
      const made = written(of, when, when, {})
      registry.add("me/shop", `part-${i}`, made)
      const { type: mediaType, manifest } = made
      const platform = { os: "linux", architecture }
      return { platform, mediaType, digest: digestOf(manifest), size: manifest.length }
    })
    const body = json({ schemaVersion: 2, mediaType: INDEX, manifests })
    const known = registry.repositories.get("me/shop")?.manifests
    for (const reference of ["upload", digestOf(body)]) known?.set(reference, { type: INDEX, body })
    return digestOf(body)
  })
  const [first, second] = [await settle(uploaded[0] ?? ""), await settle(uploaded[1] ?? "")]
  expect(second.answer).toEqual(first.answer)
  const index = read(stored(first.answer.digest as string))
  expect(index.annotations).toEqual({ "org.opencontainers.image.title": "shop" })
  for (const [i, { digest, size, platform }] of index.manifests.entries()) {
    expect(platform.architecture).toBe(parts[i]?.architecture)
    expect(stored(digest)?.length).toBe(size)
    expect(blob(read(stored(digest)).config.digest).created).toBe(COMMIT)
  }
})

test("an image that contradicts itself is refused", async () => {
  const made = written(layers(), COMMIT, "", {})
  const manifest = JSON.parse(made.manifest.toString())
  const body = json({ ...manifest, layers: manifest.layers.slice(1) })
  registry.add("me/shop", "upload", { ...made, manifest: body })
  expect((await settle(digestOf(body))).answer).toMatchObject({
    ok: false,
    kind: "invalid",
    message: expect.stringContaining("has other layers than its configuration"),
  })
})
