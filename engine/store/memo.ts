import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"

/** What a step printed and how it ended. */
export interface ExecRecord {
  exitCode: number
  stdout: string
  stderr: string
  combined: string
}

/** What is known of one content key. */
export type Known =
  | { exec: ExecRecord }
  /** The output was made without error. */
  | { ok: true }
  /** The answer to a question about a file system. */
  | { answer: unknown }

/** Larger answers are asked of BuildKit again: they would fill memory and disk twice. */
const LARGEST = 1 << 20

/**
 * Answers by content key, on disk, so that an unchanged run asks nobody. An entry is only ever a
 * copy of what BuildKit's cache holds: `forget` it when BuildKit had to make the thing again.
 */
export class Memo {
  readonly #dir: string
  readonly #recent = new Map<string, Known>()

  constructor(dir: string) {
    this.#dir = dir
  }

  #file(key: string): string {
    return path.join(this.#dir, key.slice(0, 2), `${key}.json`)
  }

  get(key: string): Known | undefined {
    const recent = this.#recent.get(key)
    if (recent) return recent
    try {
      const known = JSON.parse(readFileSync(this.#file(key), "utf8")) as Known
      this.#remember(key, known)
      return known
    } catch {
      // Absent, or cut short by a crash of the machine: either way not known.
      return undefined
    }
  }

  set(key: string, known: Known): void {
    const text = JSON.stringify(known)
    if (text.length > LARGEST) return
    this.#remember(key, known)
    const file = this.#file(key)
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    const temporary = `${file}.${process.pid}.tmp`
    writeFileSync(temporary, text, { mode: 0o600 })
    renameSync(temporary, file)
  }

  forget(key: string): void {
    this.#recent.delete(key)
    rmSync(this.#file(key), { force: true })
  }

  clear(): void {
    this.#recent.clear()
    if (existsSync(this.#dir)) rmSync(this.#dir, { recursive: true, force: true })
  }

  #remember(key: string, known: Known): void {
    this.#recent.set(key, known)
    if (this.#recent.size > 2000) {
      const oldest = this.#recent.keys().next().value
      if (oldest !== undefined) this.#recent.delete(oldest)
    }
  }
}
