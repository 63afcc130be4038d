import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { opendir, rm, stat } from "node:fs/promises"
import path from "node:path"

/** How a step ended, and what it printed where that is not too long to be kept here. */
export interface ExecRecord {
  /** Names this one run: what is known of the files of another run of the same step is void. */
  run: string
  exitCode: number
  stdout?: string
  stderr?: string
  combined?: string
}

/** What is known of one content key. */
export type Known =
  | { exec: ExecRecord }
  /** The output was made without error. */
  | { ok: true }
  /** The answer to a question about a file system. */
  | { answer: unknown }

/** Larger answers are asked of BuildKit again: they would fill memory and disk twice. */
export const LARGEST = 1 << 20
/** Characters of answers that are kept in memory. */
const MOST_RECENT = 64 << 20

/** Bytes that answers may have on disk; the sweep makes some room below that. */
const MOST_BYTES = 256 << 20
const ENOUGH = 0.8
const DAY = 24 * 60 * 60_000
/** How long an answer is kept that nobody asks for. */
const LONGEST_UNUSED = 30 * DAY
/** A file on its way to its name for so long was left behind. */
const LONGEST_WRITE = 60 * 60_000

/**
 * Answers by content key, on disk, so that an unchanged run asks nobody. An entry is only ever a
 * copy of what BuildKit's cache holds: `forget` it when BuildKit had to make the thing again.
 */
export class Memo {
  readonly #dir: string
  readonly #recent = new Map<string, { known: Known; length: number; used: number }>()
  #length = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  #file(key: string): string {
    return path.join(this.#dir, key.slice(0, 2), `${key}.json`)
  }

  get(key: string): Known | undefined {
    const recent = this.#recent.get(key)
    if (recent) {
      this.#use(key, recent)
      return recent.known
    }
    try {
      const text = readFileSync(this.#file(key), "utf8")
      const known = JSON.parse(text) as Known
      this.#remember(key, known, text.length, 0)
      return known
    } catch {
      // Absent, or cut short by a crash of the machine: either way not known.
      return undefined
    }
  }

  set(key: string, known: Known): void {
    const text = JSON.stringify(known)
    if (text.length > LARGEST) return
    this.#remember(key, known, text.length)
    const file = this.#file(key)
    const temporary = `${file}.${process.pid}.tmp`
    try {
      mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
      writeFileSync(temporary, text, { mode: 0o600 })
      renameSync(temporary, file)
    } catch (error) {
      // On a full disk it is known for as long as the engine runs: no reason to fail what was done.
      if (!["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error
      rmSync(temporary, { force: true })
      rmSync(file, { force: true })
    }
  }

  forget(key: string): void {
    this.#drop(key)
    rmSync(this.#file(key), { force: true })
  }

  clear(): void {
    this.#recent.clear()
    this.#length = 0
    if (existsSync(this.#dir)) rmSync(this.#dir, { recursive: true, force: true })
  }

  /**
   * Removes from disk what nobody asked for in a month, and then the oldest of what is more than may be. Others may read
   * and write meanwhile: at worst an answer that was written this moment is asked of BuildKit once more.
   */
  async sweep({ now = Date.now(), most = MOST_BYTES } = {}): Promise<{ bytes: number }> {
    const kept: { file: string; bytes: number; used: number }[] = []
    let bytes = 0
    for await (const entry of this.#files()) {
      const longest = entry.file.endsWith(".json") ? LONGEST_UNUSED : LONGEST_WRITE
      if (now - entry.used > longest) await removeUnused(entry)
      else {
        kept.push(entry)
        bytes += entry.bytes
      }
    }
    if (bytes <= most) return { bytes }
    kept.sort((a, b) => a.used - b.used)
    for (const entry of kept) {
      if (bytes <= most * ENOUGH) break
      await removeUnused(entry)
      bytes -= entry.bytes
    }
    return { bytes }
  }

  /** Bytes on disk. */
  async size(): Promise<number> {
    let bytes = 0
    for await (const entry of this.#files()) bytes += entry.bytes
    return bytes
  }

  async *#files(): AsyncGenerator<{ file: string; bytes: number; used: number }> {
    const folders = await opendir(this.#dir).catch(() => undefined)
    if (!folders) return
    for await (const folder of folders) {
      const files = await opendir(path.join(this.#dir, folder.name)).catch(() => undefined)
      if (!files) continue
      for await (const { name } of files) {
        const file = path.join(this.#dir, folder.name, name)
        const found = await stat(file).catch(() => undefined)
        if (found?.isFile()) yield { file, bytes: found.size, used: found.mtimeMs }
      }
    }
  }

  /** Notes that an answer is of use, once a day. */
  #use(key: string, recent: { used: number }): void {
    const now = Date.now()
    if (now - recent.used < DAY) return
    recent.used = now
    try {
      utimesSync(this.#file(key), now / 1000, now / 1000)
    } catch {
      // It is not on disk, or that is read-only: then there is nothing to keep.
    }
  }

  #remember(key: string, known: Known, length: number, used = Date.now()): void {
    this.#drop(key)
    const recent = { known, length, used }
    this.#recent.set(key, recent)
    this.#use(key, recent)
    this.#length += length
    for (const oldest of this.#recent.keys()) {
      if (this.#length <= MOST_RECENT) break
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    this.#length -= this.#recent.get(key)?.length ?? 0
    this.#recent.delete(key)
  }
}

/** Removes a file, unless it was written or used since it was looked at. */
async function removeUnused({ file, used }: { file: string; used: number }): Promise<void> {
  const now = await stat(file).catch(() => undefined)
  if (now?.mtimeMs === used) await rm(file, { force: true }).catch(() => {})
}
