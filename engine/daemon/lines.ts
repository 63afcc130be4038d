/**
 * Splits a byte stream into lines. A chunk is kept as it came until its line is complete, so that a
 * line of many megabytes costs its length once and not once a chunk.
 */
export class LineSplitter {
  #parts: Buffer[] = []
  #size = 0
  readonly #onLine: (line: string) => void
  readonly #limit: number

  constructor(onLine: (line: string) => void, limit = Number.POSITIVE_INFINITY) {
    this.#onLine = onLine
    this.#limit = limit
  }

  /** Feeds a chunk; throws RangeError when a line grows beyond the limit. */
  push(chunk: Buffer): void {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(10, start)
      if (end < 0) break
      this.#parts.push(chunk.subarray(start, end))
      const line =
        this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts)
      this.#parts = []
      this.#size = 0
      if (line.length > 0) this.#onLine(line.toString("utf8"))
      start = end + 1
    }
    if (start === chunk.length) return
    this.#parts.push(chunk.subarray(start))
    this.#size += chunk.length - start
    if (this.#size > this.#limit) throw new RangeError(`a line is longer than ${this.#limit} bytes`)
  }
}
