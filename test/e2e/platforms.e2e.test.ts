import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { control } from "../../engine/client.ts"
import { enginePaths } from "../../engine/daemon/paths.ts"
import { saveConfig } from "../../engine/setup/config.ts"
import { ensureEngine } from "../../engine/setup/setup.ts"
import { type Image, image, tar } from "../contract/servers/image.ts"
import { digestOf, Registry } from "../contract/servers/registry.ts"
import { folder, lastLine, pyline } from "./pyline.ts"

// Images of several machine types, on an engine whose base images come from a registry here.

const BASE = "docker.io/library/python:3.13-slim"
const INDEX = "application/vnd.oci.image.index.v1+json"

let registry: Registry
let state: string
let source: string

/** Programs of a machine that this one is not. */
function foreign(): Image {
  const header = Buffer.alloc(64)
  // ELF, 64 bits, little endian, an executable; for a machine type that nobody has.
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  header.writeUInt16LE(2, 16)
  header.writeUInt16LE(0xfffe, 18)
  return image([
    tar(Object.fromEntries(["bin/true", "usr/bin/true"].map((name) => [name, header]))),
  ])
}

/** An image of an OCI layout. */
function ofLayout(dir: string, digest: string): Image {
  const blob = (of: string) => readFileSync(path.join(dir, "blobs", ...of.split(":")))
  const manifest = blob(digest)
  const { mediaType, config, layers } = JSON.parse(manifest.toString())
  return {
    type: mediaType ?? "application/vnd.oci.image.manifest.v1+json",
    manifest,
    config: blob(config.digest),
    layers: layers.map((layer: { digest: string }) => blob(layer.digest)),
  }
}

beforeAll(async () => {
  registry = await Registry.start()
  const config = await ensureEngine({ report: () => {} })
  const entries: [Image, object][] = [[foreign(), { os: "linux", architecture: "s390x" }]]
  const own = config.images[BASE]
  if (own !== undefined && "ociLayout" in own)
    entries.push([ofLayout(own.ociLayout, own.digest), { os: "linux", architecture: "amd64" }])
  const manifests = entries.map(([made, platform], index) => {
    registry.add("library/python", `part-${index}`, made)
    const { type: mediaType, manifest } = made
    return { mediaType, digest: digestOf(manifest), size: manifest.length, platform }
  })
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }))
  const named = registry.repositories.get("library/python")?.manifests
  for (const reference of ["3.13-slim", digestOf(body)])
    named?.set(reference, { type: INDEX, body })

  state = folder()
  saveConfig(enginePaths(state), {
    ...config,
    registries: { "docker.io": { mirrors: [registry.host] }, [registry.host]: { http: true } },
  })
  source = folder()
  mkdirSync(path.join(source, "shop"))
  writeFileSync(path.join(source, "shop/__main__.py"), "print('open')\n")
  writeFileSync(
    path.join(source, "pyproject.toml"),
    '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.13"\n[tool.pyline]\nstart = "python -m shop"\n',
  )
})
afterAll(async () => {
  process.env.PYLINE_STATE_DIR = state
  await control({ type: "stop" }).catch(() => {})
  await registry?.down()
})

const publish = (platforms: string) =>
  pyline(
    [
      ...["publish", "--source", source, "--registry", `${registry.host}/me/shop`],
      ...["--tags=edge", "--skip-checks", `--platforms=${platforms}`],
    ],
    { env: { PYLINE_STATE_DIR: state } },
  )

test("a machine type that cannot be run is named, and nothing is uploaded", async () => {
  const run = await publish("linux/amd64,linux/s390x")
  expect(run.exitCode, run.all).toBe(3)
  expect(run.all).toContain(
    "error[PLATFORM_UNAVAILABLE]: this engine cannot run programs of linux/s390x",
  )
  expect(run.all).toContain("--install s390x")
  expect(registry.repositories.get("me/shop")?.manifests.size ?? 0).toBe(0)
})

test.skipIf(process.arch !== "x64")(
  "an image of two machine types has one digest, and each its own bill of materials",
  async () => {
    // Two names of what this machine runs: emulators are not everywhere.
    const run = await publish("linux/amd64,linux/amd64/v2")
    expect(run.exitCode, run.all).toBe(0)
    const [, digest = ""] = /@(sha256:\S+)$/.exec(lastLine(run.stdout)) ?? []
    const manifests = registry.repositories.get("me/shop")?.manifests
    const index = JSON.parse(manifests?.get(digest)?.body.toString() ?? "{}")
    expect(index.manifests.map(({ platform }: { platform: object }) => platform)).toEqual([
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "amd64", variant: "v2" },
    ])
    expect(manifests?.get("edge")?.body).toEqual(manifests?.get(digest)?.body)
    const out = path.join(folder(), "out")
    const args = ["attachments", "--image", `${registry.host}/me/shop:edge`, "-o", out]
    const written = await pyline(args, { env: { PYLINE_STATE_DIR: state } })
    expect(written.exitCode, written.all).toBe(0)
    for (const platform of ["linux/amd64", "linux/amd64/v2"]) {
      const file = path.join(out, platform.replaceAll("/", "-"), "sbom.cdx.json")
      const { properties } = JSON.parse(readFileSync(file, "utf8")).metadata.component
      expect(properties).toEqual([{ name: "pyline:platform", value: platform }])
    }
    const release = JSON.parse(readFileSync(path.join(out, "release.json"), "utf8"))
    expect(release.platforms).toEqual(["linux/amd64", "linux/amd64/v2"])
  },
)
