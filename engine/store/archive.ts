import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, open } from "node:fs/promises"
import path from "node:path"
import { EngineError } from "../graph/errors.ts"

const BLOCK = 512
const WANTED = /^(?:\.\/)?(oci-layout|index\.json|blobs\/sha256\/[0-9a-f]{64})$/

/**
 * Takes the OCI image layout out of a tar archive. Nothing but its own files is written, whatever
 * names the archive holds, and a blob has to be what its name says.
 */
export async function extractLayout(archive: string, dir: string): Promise<void> {
  await mkdir(path.join(dir, "blobs", "sha256"), { recursive: true })
  const file = await open(archive, "r")
  try {
    const header = Buffer.alloc(BLOCK)
    for (let at = 0; ; ) {
      const { bytesRead } = await file.read(header, 0, BLOCK, at)
      if (bytesRead < BLOCK) throw new EngineError("image archive import: unexpected end of file")
      if (header.every((byte) => byte === 0)) break
      const size = octal(header, 124, 12)
      if (!Number.isSafeInteger(size) || size < 0) {
        throw new EngineError("image archive import: this is not a tar archive")
      }
      const [, name] = WANTED.exec(text(header, 0, 100)) ?? []
      if (name && "0\0".includes(String.fromCharCode(header[156] as number))) {
        await extract(file, at + BLOCK, size, path.join(dir, name))
      }
      at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    }
  } finally {
    await file.close()
  }
  if (!existsSync(path.join(dir, "index.json"))) {
    throw new EngineError(
      "image archive import: the archive has no index.json: it is not an OCI image",
    )
  }
}

const text = (block: Buffer, from: number, length: number) =>
  block.toString("utf8", from, from + length).replace(/\0.*$/s, "")

const octal = (block: Buffer, from: number, length: number) => {
  const digits = text(block, from, length).trim()
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
}

async function extract(
  file: Awaited<ReturnType<typeof open>>,
  at: number,
  size: number,
  dest: string,
): Promise<void> {
  const out = await open(dest, "w", 0o600)
  const hash = createHash("sha256")
  try {
    const buffer = Buffer.alloc(Math.min(size, 1 << 20))
    for (let done = 0; done < size; ) {
      const want = Math.min(buffer.length, size - done)
      const { bytesRead } = await file.read(buffer, 0, want, at + done)
      if (bytesRead === 0) throw new EngineError("image archive import: unexpected end of file")
      const part = buffer.subarray(0, bytesRead)
      hash.update(part)
      await out.write(part)
      done += bytesRead
    }
  } finally {
    await out.close()
  }
  const name = path.basename(dest)
  if (/^[0-9a-f]{64}$/.test(name) && hash.digest("hex") !== name) {
    throw new EngineError(`image archive import: blob sha256:${name} is corrupt`)
  }
}
