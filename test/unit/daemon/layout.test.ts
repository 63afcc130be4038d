import { createHash } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { dropAllIngests, dropPartialBlobs } from "../../../engine/buildkit/ingest.ts"
import { writeLayout } from "../../../engine/setup/layout.ts"
import { temporaryDir } from "./temporary.ts"

const sha256 = (data: Buffer) => `sha256:${createHash("sha256").update(data).digest("hex")}`

async function layout(): Promise<{ dir: string; digest: string }> {
  const dir = temporaryDir()
  writeFileSync(join(dir, "rootfs.tar"), "a tar")
  const digest = await writeLayout(dir, {
    ref: "docker.io/library/python:3.11-slim",
    created: "2025-01-01T00:00:00.000Z",
    comment: "made by a test",
    config: { Env: ["A=1"], Cmd: ["python3"] },
  })
  return { dir, digest }
}

test("an OCI layout is whole: every blob is what its name and its descriptor say", async () => {
  const { dir, digest } = await layout()
  const blob = (digest: string) => readFileSync(join(dir, "blobs", "sha256", digest.slice(7)))
  for (const name of readdirSync(join(dir, "blobs", "sha256"))) {
    expect(sha256(blob(`sha256:${name}`))).toBe(`sha256:${name}`)
  }
  const { manifests } = JSON.parse(readFileSync(join(dir, "index.json"), "utf8"))
  expect(manifests).toMatchObject([{ digest, size: blob(digest).length }])
  const manifest = JSON.parse(blob(digest).toString())
  const [layer] = manifest.layers
  expect(layer).toMatchObject({ digest: sha256(Buffer.from("a tar")), size: 5 })
  const config = JSON.parse(blob(manifest.config.digest).toString())
  expect(config.rootfs.diff_ids).toEqual([layer.digest])
  expect(config.config).toEqual({ Env: ["A=1"], Cmd: ["python3"] })
  expect(readFileSync(join(dir, "oci-layout"), "utf8")).toBe('{"imageLayoutVersion":"1.0.0"}')
  expect(existsSync(join(dir, "rootfs.tar"))).toBe(false)
})

test("the same content has the same digest", async () => {
  expect((await layout()).digest).toBe((await layout()).digest)
})

test("only blobs of the layout that nobody writes any more are dropped", async () => {
  const { dir } = await layout()
  const root = temporaryDir()
  const ingest = join(root, "runc-overlayfs", "content", "ingest")
  const begin = (name: string, blob: string, age: number) => {
    mkdirSync(join(ingest, name), { recursive: true })
    writeFileSync(join(ingest, name, "ref"), `buildkit/1/layer-sha256:${blob}`)
    writeFileSync(join(ingest, name, "data"), "a")
    const then = Date.now() / 1000 - age
    utimesSync(join(ingest, name, "data"), then, then)
  }
  const [ours] = readdirSync(join(dir, "blobs", "sha256")) as [string]
  begin("abandoned", ours, 5)
  begin("growing", ours, 0)
  begin("other", "f".repeat(64), 5)
  dropPartialBlobs(root, [dir])
  expect(readdirSync(ingest)).toEqual(["growing", "other"])
  dropAllIngests(root)
  expect(readdirSync(ingest)).toEqual([])
})
