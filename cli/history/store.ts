import { createHash } from "node:crypto"
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { stateDir } from "../../engine/client.ts"
import { UsageError } from "../failure.ts"
import type { Record } from "./record.ts"

/** Records of one project on disk: when there are more bytes, half of the records go. */
const MOST_BYTES = 1_000_000
const MOST_PROJECTS = 200
const RUNS = "runs.jsonl"

/**
 * The history of the project in a folder.
 *
 * @throws UsageError when there is no such folder
 */
export function historyOf(source: string): History {
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory()) return new History(source)
  throw new UsageError(`--source=${source}: there is no such folder`)
}

/** The runs of one project on this machine, and its last page. A line of JSON each, the last one last. */
export class History {
  /** Where what belongs to this project is. */
  readonly folder: string
  readonly #file: string

  /** @param source path of the project */
  constructor(source: string) {
    const path = realpathSync(source)
    const key = createHash("sha256").update(path).digest("hex").slice(0, 12)
    const name = basename(path)
      .replace(/[^\w.-]/g, "_")
      .slice(0, 40)
    this.folder = join(stateDir(), "projects", `${name}-${key}`)
    this.#file = join(this.folder, RUNS)
  }

  /** The runs that are remembered, the last one last. Lines that are none (cut short by a full disk) are left out. */
  read(): Record[] {
    return this.#lines().flatMap((line) => {
      try {
        const record = JSON.parse(line) as Record
        return record.v === 1 ? [record] : []
      } catch {
        return []
      }
    })
  }

  last(): Record | undefined {
    return this.read().at(-1)
  }

  /** Remembers a run. One that says what the last one said, of the same inputs, is the same run from the cache. */
  add(record: Record): void {
    const last = this.last()
    if (last !== undefined && record.inputs !== undefined && isSame(last, record)) return
    if (mkdirSync(this.folder, { recursive: true, mode: 0o700 })) forgetOldest(dirname(this.folder))
    if ((statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) > MOST_BYTES) this.#shorten()
    appendFileSync(this.#file, `${JSON.stringify(record)}\n`, { mode: 0o600 })
  }

  #shorten(): void {
    const lines = this.#lines()
    const kept = lines.slice(Math.ceil(lines.length / 2))
    const temporary = `${this.#file}.${process.pid}`
    writeFileSync(temporary, kept.map((line) => `${line}\n`).join(""), { mode: 0o600 })
    renameSync(temporary, this.#file)
  }

  #lines(): string[] {
    try {
      return readFileSync(this.#file, "utf8").split("\n").filter(Boolean)
    } catch {
      return []
    }
  }
}

/** Projects come and go: copies, work trees, folders of a CI job. */
function forgetOldest(projects: string): void {
  const folders = readdirSync(projects).map((name) => join(projects, name))
  if (folders.length <= MOST_PROJECTS) return
  // One that another process has just made has no runs yet.
  const now = Date.now()
  const used = new Map(
    folders.map((folder) => [
      folder,
      statSync(join(folder, RUNS), { throwIfNoEntry: false })?.mtimeMs,
    ]),
  )
  const oldest = folders.sort((a, b) => (used.get(a) ?? now) - (used.get(b) ?? now))
  for (const folder of oldest.slice(0, folders.length - MOST_PROJECTS))
    rmSync(folder, { recursive: true, force: true })
}

function isSame(a: Record, b: Record): boolean {
  const [one, other] = [a, b].map(({ verb, inputs, given, runs, checks }) =>
    JSON.stringify([verb, inputs, given, runs, checks]),
  )
  return one === other
}
