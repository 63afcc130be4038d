import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { mkdir, rename, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"

export interface ImageConfig {
  Env: string[]
  Cmd: string[]
}

/**
 * Makes an OCI image layout (image-spec 1.0) of one layer: `dir/rootfs.tar` becomes its blob.
 * Gives the digest of the manifest.
 */
export async function writeLayout(
  dir: string,
  image: { config: ImageConfig; created: string; ref: string; comment: string },
): Promise<string> {
  const blobs = join(dir, "blobs", "sha256")
  await mkdir(blobs, { recursive: true })
  const tar = join(dir, "rootfs.tar")
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(tar, { highWaterMark: 1 << 20 })) hash.update(chunk)
  const layer = hash.digest("hex")
  const { size } = await stat(tar)
  await rename(tar, join(blobs, layer))

  const put = async (mediaType: string, value: unknown) => {
    const text = JSON.stringify(value)
    const digest = createHash("sha256").update(text).digest("hex")
    await writeFile(join(blobs, digest), text)
    return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) }
  }
  const type = (name: string) => `application/vnd.oci.image.${name}`
  const config = await put(type("config.v1+json"), {
    architecture: architecture(),
    os: "linux",
    created: image.created,
    config: image.config,
    rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    history: [{ created: image.created, created_by: image.comment }],
  })
  const manifest = await put(type("manifest.v1+json"), {
    schemaVersion: 2,
    mediaType: type("manifest.v1+json"),
    config,
    layers: [{ mediaType: type("layer.v1.tar"), digest: `sha256:${layer}`, size }],
  })
  await writeFile(join(dir, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}')
  const annotations = { "org.opencontainers.image.ref.name": image.ref }
  await writeFile(
    join(dir, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  )
  return manifest.digest
}

/** This machine's architecture in Go's words. */
export function architecture(): string {
  const names: Record<string, string> = { x64: "amd64", arm64: "arm64", ia32: "386" }
  return names[process.arch] ?? process.arch
}
