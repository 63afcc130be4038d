import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Script, send } from "./faults.ts"
import { digestOf } from "./registry.ts"

/** A Python package index on loopback that fails as it is told to. */
export class PackageIndex {
  readonly script = new Script()
  readonly #files = new Map<string, Buffer>()
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy())
  })
  #port = 0

  static async start(): Promise<PackageIndex> {
    const index = new PackageIndex()
    await index.up()
    return index
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/simple/`
  }

  /** Listens, at the port that it had before. */
  async up(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, "127.0.0.1", resolve))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async down(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Takes a package of one module, in a wheel of about so many bytes. */
  add(name: string, version: string, bytes = 0): void {
    this.#files.set(`${name}-${version}-py3-none-any.whl`, wheel(name, version, bytes))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.script.meet(request)
    request.resume()
    const [, folder, name = ""] = /^\/(simple|files)\/([^/]+)\/?$/.exec(request.url ?? "") ?? []
    const file = this.#files.get(name)
    if (folder === "files" && file) return send(response, { status: 200, body: file }, fault)
    const links = [...this.#files]
      .filter(([wheel]) => wheel.startsWith(`${name}-`))
      .map(([wheel, data]) => {
        const hash = digestOf(data).replace(":", "=")
        return `<a href="/files/${wheel}#${hash}">${wheel}</a>`
      })
    const headers = { "content-type": "text/html" }
    const status = links.length > 0 ? 200 : 404
    return send(response, { status, headers, body: Buffer.from(links.join("\n")) }, fault)
  }
}

function wheel(name: string, version: string, bytes: number): Buffer {
  const info = `${name}-${version}.dist-info`
  const files: Record<string, string> = {
    [`${name}.py`]: `VERSION = "${version}"\n${"#".repeat(bytes)}\n`,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}/WHEEL`]:
      "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
  }
  files[`${info}/RECORD`] =
    `${[...Object.keys(files), `${info}/RECORD`].map((f) => `${f},,`).join("\n")}\n`
  return zip(files)
}

/** A zip archive that compresses nothing. */
function zip(files: Record<string, string>): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, text] of Object.entries(files)) {
    const data = Buffer.from(text)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(0x21, 8)
    fields.writeUInt32LE(crc32(data), 10)
    fields.writeUInt32LE(data.length, 14)
    fields.writeUInt32LE(data.length, 18)
    fields.writeUInt16LE(name.length, 22)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE((0o100644 << 16) >>> 0, 6)
    rest.writeUInt32LE(at, 10)
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), data])
    directory.push(
      Buffer.concat([Buffer.from("PK\x01\x02\x14\x03"), fields, rest, Buffer.from(name)]),
    )
    parts.push(local)
    at += local.length
  }
  const index = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write("PK\x05\x06")
  end.writeUInt16LE(parts.length, 8)
  end.writeUInt16LE(parts.length, 10)
  end.writeUInt32LE(index.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, index, end])
}

function crc32(data: Buffer): number {
  let crc = -1
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
