import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
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

/**
 * Answers by content key, on disk, so that an unchanged run asks nobody. An entry is only ever a
 * copy of what BuildKit's cache holds: `forget` it when BuildKit had to make the thing again.
 */
export class Memo {
  readonly #dir: string
  readonly #recent = new Map<string, { known: Known; length: number }>()
  #length = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  #file(key: string): string {
    return path.join(this.#dir, key.slice(0, 2), `${key}.json`)
  }

  get(key: string): Known | undefined {
    const recent = this.#recent.get(key)
    if (recent) return recent.known
    try {
      const text = readFileSync(this.#file(key), "utf8")
      const known = JSON.parse(text) as Known
      this.#remember(key, known, text.length)
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

  #remember(key: string, known: Known, length: number): void {
    this.#drop(key)
    this.#recent.set(key, { known, length })
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
