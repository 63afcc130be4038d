import { createHash } from "node:crypto"
import { readFileSync, statSync } from "node:fs"

/**
 * What build of the engine this is: the hash of its bundle. A client only sends the path of its own
 * bundle, which costs it nothing; the daemon hashes a bundle that it has not seen yet.
 */
export class Identity {
  readonly #own: string
  readonly #seen = new Map<string, string>()

  constructor(bundle: string) {
    this.#own = this.#hash(bundle)
  }

  /** Whether the bundle at this path is the same build. */
  same(bundle: string): boolean {
    try {
      return this.#hash(bundle) === this.#own
    } catch {
      return false
    }
  }

  #hash(bundle: string): string {
    const { mtimeMs, size, ino } = statSync(bundle)
    const key = `${bundle}\0${mtimeMs}\0${size}\0${ino}`
    let hash = this.#seen.get(key)
    if (hash === undefined) {
      hash = createHash("sha256").update(readFileSync(bundle)).digest("hex")
      this.#seen.set(key, hash)
    }
    return hash
  }
}
