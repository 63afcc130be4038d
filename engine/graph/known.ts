import { createHash } from "node:crypto"
import { lstatSync } from "node:fs"
import type { Read, ReadResult } from "../buildkit/bridge-protocol.ts"
import { closure, type Fs, fsKey, type Output, type Vertex } from "../llb/vertex.ts"
import type { ExecRecord, Memo } from "../store/memo.ts"

/** What is known of steps and file systems without asking BuildKit. */
export class Knowledge {
  readonly #memo: Memo

  constructor(memo: Memo) {
    this.#memo = memo
  }

  /** How a step ended, if it ever ran. */
  record(step: Vertex): ExecRecord | undefined {
    const known = this.#memo.get(step.key)
    return known && "exec" in known ? known.exec : undefined
  }

  learn(step: Vertex, record: ExecRecord): void {
    this.#memo.set(step.key, { exec: record })
  }

  forget(step: Vertex): void {
    this.#memo.forget(step.key)
  }

  /** Whether no step has to run for what is in the file system. */
  hasRun(fs: Fs): boolean {
    return !fs || closure([fs]).every((v) => !v.exec || this.record(v))
  }

  isMade(output: Output): boolean {
    if (output.vertex.exec) return this.record(output.vertex) !== undefined
    const key = this.#keyFor(output, "ok")
    return key !== undefined && this.#memo.get(key) !== undefined
  }

  made(output: Output): void {
    const key = this.#keyFor(output, "ok")
    if (key && !output.vertex.exec) this.#memo.set(key, { ok: true })
  }

  answer(fs: Output, read: Read): ReadResult | undefined {
    if ("saveTo" in read) return undefined
    const key = this.#keyFor(fs, read)
    const known = key === undefined ? undefined : this.#memo.get(key)
    return known && "answer" in known ? (known.answer as ReadResult) : undefined
  }

  answered(fs: Output, read: Read, answer: ReadResult): void {
    const key = "saveTo" in read ? undefined : this.#keyFor(fs, read)
    if (key) this.#memo.set(key, { answer })
  }

  /** Whether a file is, untouched, what was written of a file system in this way. */
  isWritten(fs: Output, file: string, how: unknown): boolean {
    const key = this.#keyFor(fs, { file, how })
    const known = key === undefined ? undefined : this.#memo.get(key)
    const now = identity(file)
    return now !== undefined && known !== undefined && "answer" in known && known.answer === now
  }

  wrote(fs: Output, file: string, how: unknown): void {
    const key = this.#keyFor(fs, { file, how })
    if (key) this.#memo.set(key, { answer: identity(file) })
  }

  /**
   * Names what is known of a file system: by its content key and the very runs that made it, since
   * a step that runs again may leave other files. Undefined while a step of it has not run.
   */
  #keyFor(fs: Output, question: unknown): string | undefined {
    const hash = createHash("sha256").update(`${fsKey(fs)}\0${JSON.stringify(question)}`)
    for (const v of closure([fs])) {
      if (!v.exec) continue
      const record = this.record(v)
      if (!record) return undefined
      hash.update(`\0${record.run}`)
    }
    return hash.digest("hex")
  }
}

/** What changes with any change of a file; nothing where there is no regular file. */
function identity(file: string): string | undefined {
  const found = lstatSync(file, { bigint: true, throwIfNoEntry: false })
  if (!found?.isFile()) return undefined
  const { dev, ino, size, mode, mtimeNs, ctimeNs } = found
  return [dev, ino, size, mode, mtimeNs, ctimeNs].join(" ")
}
