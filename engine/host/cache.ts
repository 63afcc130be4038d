import type { BigIntStats } from "node:fs"
import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { type Hashed, sameState } from "./hash.ts"

interface Known {
  dev: bigint
  ino: bigint
  size: bigint
  mtimeNs: bigint
  ctimeNs: bigint
  digest: string
}

/** The known files of one directory, by name. */
export type KnownFiles = Map<string, Known>

/** After this many files everything is forgotten: a bound on memory, not a policy. */
const MOST = 1_000_000

const FORMAT = "pyline-host-cache 1"

/** The digests of files that were read before, and the stats that prove them unchanged. */
export class StatCache {
  #directories = new Map<string, KnownFiles>()
  #size = 0

  /** What is known of the files of `directory` (absolute). */
  of(directory: string): KnownFiles {
    let known = this.#directories.get(directory)
    if (!known) {
      known = new Map()
      this.#directories.set(directory, known)
    }
    return known
  }

  lookup(known: KnownFiles, name: string, stat: BigIntStats): string | undefined {
    const file = known.get(name)
    return file && sameState(file, stat) ? file.digest : undefined
  }

  remember(known: KnownFiles, name: string, { digest, stat, began }: Hashed): void {
    if (isRacy(stat, began)) {
      known.delete(name)
      return
    }
    if (++this.#size > MOST) {
      this.#directories.clear()
      this.#size = 0
    }
    const { dev, ino, size, mtimeNs, ctimeNs } = stat
    known.set(name, { dev, ino, size, mtimeNs, ctimeNs, digest })
  }

  /** Adds what `save` wrote. A file that is missing or damaged is no error: all is read again. */
  async load(file: string): Promise<void> {
    const text = await readFile(file, "utf8").catch(() => "")
    const [format, ...lines] = text.split("\n")
    if (format !== FORMAT) return
    try {
      for (const line of lines) {
        if (line === "") continue
        const [directory, files] = JSON.parse(line) as [string, string[][]]
        const known: KnownFiles = new Map()
        for (const [name, dev, ino, size, mtimeNs, ctimeNs, digest] of files as Row[]) {
          known.set(name, {
            dev: BigInt(dev),
            ino: BigInt(ino),
            size: BigInt(size),
            mtimeNs: BigInt(mtimeNs),
            ctimeNs: BigInt(ctimeNs),
            digest,
          })
        }
        this.#size += known.size
        this.#directories.set(directory, known)
      }
    } catch {
      this.#directories.clear()
      this.#size = 0
    }
  }

  async save(file: string): Promise<void> {
    const lines = [FORMAT]
    for (const [directory, known] of this.#directories) {
      if (known.size === 0) continue
      const files = Array.from(known, ([name, k]): Row => {
        const { dev, ino, size, mtimeNs, ctimeNs, digest } = k
        return [name, `${dev}`, `${ino}`, `${size}`, `${mtimeNs}`, `${ctimeNs}`, digest]
      })
      lines.push(JSON.stringify([directory, files]))
    }
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const written = `${file}.${process.pid}`
    await writeFile(written, `${lines.join("\n")}\n`, { mode: 0o600 })
    await rename(written, file)
  }
}

type Row = [string, string, string, string, string, string, string]

/**
 * Whether a file could still change without its times changing: it was written so shortly before it
 * was read that a second write may get the same time stamp. Kernels stamp in steps of up to 10 ms;
 * file systems that keep whole seconds (or two) show it by stamps without a fraction.
 */
function isRacy({ mtimeNs, ctimeNs }: BigIntStats, began: number): boolean {
  const now = BigInt(began) * 1_000_000n
  const step = ctimeNs % 1_000_000n === 0n ? 2_100_000_000n : 50_000_000n
  // A modification time in the future was set by hand and says nothing.
  return ctimeNs > now - step || (mtimeNs > now - step && mtimeNs < now + step)
}
