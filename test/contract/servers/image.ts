import { execFileSync } from "node:child_process"
import { readFileSync, realpathSync } from "node:fs"
import { arch } from "node:process"
import { digestOf } from "./registry.ts"

export interface Image {
  type: string
  manifest: Buffer
  config: Buffer
  layers: Buffer[]
}

const BLOCK = 512
const OCI = "application/vnd.oci.image"

/** A tar archive of these files, by path. */
export function tar(files: Record<string, Buffer>): Buffer {
  const parts: Buffer[] = []
  for (const [path, data] of Object.entries(files)) {
    const header = Buffer.alloc(BLOCK)
    header.write(path.replace(/^\//, ""), 0)
    header.write("0000755\0", 100)
    header.write("0000000\0", 108)
    header.write("0000000\0", 116)
    header.write(`${data.length.toString(8).padStart(11, "0")}\0`, 124)
    header.write("00000000000\0", 136)
    header.write("        ", 148)
    header.write("0", 156)
    header.write("ustar\x0000", 257)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
    parts.push(header, data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK))
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)])
}

/** An image of these layers. */
export function image(layers: Buffer[]): Image {
  const config = json({
    architecture: { x64: "amd64", arm64: "arm64" }[arch as string] ?? arch,
    os: "linux",
    config: { Env: ["PATH=/bin"], Cmd: ["/bin/sh"] },
    rootfs: { type: "layers", diff_ids: layers.map(digestOf) },
    history: layers.map(() => ({ created_by: "test" })),
  })
  const descriptor = (mediaType: string, data: Buffer) => ({
    mediaType,
    digest: digestOf(data),
    size: data.length,
  })
  const type = `${OCI}.manifest.v1+json`
  const manifest = json({
    schemaVersion: 2,
    mediaType: type,
    config: descriptor(`${OCI}.config.v1+json`, config),
    layers: layers.map((layer) => descriptor(`${OCI}.layer.v1.tar`, layer)),
  })
  return { type, manifest, config, layers }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const PROGRAMS = "sh cat sleep base64 head tail ls env date mkdir rm cp dd od tr touch uniq wc true"
let shell: Buffer | undefined

/** A layer with a shell and a few programs: this machine's own, with the libraries they need. */
export function shellLayer(): Buffer {
  if (shell) return shell
  const files: Record<string, Buffer> = {}
  for (const name of PROGRAMS.split(" ")) {
    const program = realpathSync(which(name))
    files[`/bin/${name}`] = readFileSync(program)
    for (const [, library] of execFileSync("ldd", [program], { encoding: "utf8" }).matchAll(
      /(\/\S+) \(0x/g,
    ))
      files[library as string] ??= readFileSync(library as string)
  }
  shell = tar(files)
  return shell
}

const which = (name: string): string =>
  execFileSync("sh", ["-c", `command -v "$0"`, name === "sh" ? "dash" : name], {
    encoding: "utf8",
  })
    .trim()
    .replace(/^(true)$/, "/bin/true")
