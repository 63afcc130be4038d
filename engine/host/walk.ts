import {
  type BigIntStats,
  type Dirent,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from "node:fs"
import { setImmediate } from "node:timers/promises"
import type { KnownFiles, StatCache } from "./cache.ts"
import { errno, HostError, hostError } from "./errors.ts"
import type { Filter, Place } from "./filter.ts"
import type { Entry } from "./tree.ts"

/** A file whose contents have to be read. */
export interface Unknown {
  entry: Entry
  file: string
  stat: BigIntStats
  name: string
  known: KnownFiles
}

interface Frame {
  /** Absolute, with a slash at the end; `prefix`: the same relative to the root. */
  directory: string
  prefix: string
  items: Dirent[]
  next: number
  place: Place
  known: KnownFiles
  /** Whether the directory itself is among the entries. */
  listed: boolean
}

/**
 * Lists what of the directory `root` the filter wants, without reading files that the cache knows.
 * Symbolic links are not followed; sockets, fifos and devices are left out, and so is what vanishes
 * meanwhile.
 *
 * The calls are synchronous, for speed (promises take six times as long), with regular breaks for
 * the event loop.
 *
 * @throws HostError NOT_FOUND, NOT_A_DIRECTORY, UNREADABLE, NOT_UTF8
 */
export async function walk(
  root: string,
  filter: Filter,
  place: Place,
  cache: StatCache,
): Promise<{ entries: Entry[]; unknown: Unknown[] }> {
  const entries: Entry[] = []
  const unknown: Unknown[] = []
  const breaks = new Breaks()
  const stack: Frame[] = []

  const enter = (path: string, place: Place, listed: boolean): void => {
    const directory = path === "" ? root : `${root}/${path}`
    const items = list(directory)
    if (filter.gitignore && items.some((item) => item.name === ".gitignore" && item.isFile())) {
      filter.addGitignore(place, path, readText(`${directory}/.gitignore`))
    }
    const known = cache.of(directory)
    if (known.size > items.length) forgetAllBut(known, items)
    stack.push({
      directory: `${directory}/`,
      prefix: path === "" ? "" : `${path}/`,
      items,
      next: 0,
      place,
      known,
      listed,
    })
  }

  /** Lists the directories on the way that are there only for what they hold. */
  const listParents = (): void => {
    for (const frame of stack) {
      if (frame.listed) continue
      frame.listed = true
      const path = frame.prefix.slice(0, -1)
      const stat = lstat(frame.directory.slice(0, -1))
      if (stat) entries.push(entryOf(path, stat))
    }
  }

  enter("", place, true)
  for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
    const item = frame.items[frame.next++]
    if (!item) {
      stack.pop()
      continue
    }
    if (breaks.due()) await breaks.take()
    const { name } = item
    const path = frame.prefix + name
    const { keep, inside } = filter.judge(path, name, item.isDirectory(), frame.place)
    if (keep) {
      const file = frame.directory + name
      const stat = lstat(file)
      if (!stat || !isWanted(stat) || stat.isDirectory() !== item.isDirectory()) continue
      const entry = entryOf(path, stat)
      if (entry.type === "symlink") {
        const link = readLink(file)
        if (link === undefined) continue
        entry.link = link
      } else if (entry.type === "file") {
        const digest = cache.lookup(frame.known, name, stat)
        if (digest) entry.digest = digest
        else unknown.push({ entry, file, stat, name, known: frame.known })
      }
      listParents()
      entries.push(entry)
    }
    if (inside) {
      try {
        enter(path, inside, keep)
      } catch (error) {
        const code = error instanceof HostError ? error.code : undefined
        const vanished = code === "NOT_FOUND" || code === "NOT_A_DIRECTORY"
        if (!vanished && (keep || code !== "UNREADABLE")) throw error
      }
    }
  }
  return { entries, unknown }
}

/** Sockets, fifos and devices are not. */
const isWanted = (stat: BigIntStats): boolean =>
  stat.isFile() || stat.isDirectory() || stat.isSymbolicLink()

/** Lets other work of the process run every few milliseconds. */
export class Breaks {
  #until = performance.now() + 10

  due(): boolean {
    return performance.now() > this.#until
  }

  async take(): Promise<void> {
    await setImmediate()
    this.#until = performance.now() + 10
  }
}

function list(directory: string): Dirent[] {
  let items: Dirent[]
  try {
    items = readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    refuseInexactName(directory)
    throw hostError(error, directory)
  }
  // Comparing UTF-16 units gives the order of the bytes, save where there are surrogates.
  const bytes = items.some((item) => /[\ud800-\udfff]/.test(item.name))
  return items.sort((a, b) =>
    bytes ? Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)) : a.name < b.name ? -1 : 1,
  )
}

function forgetAllBut(known: KnownFiles, items: Dirent[]): void {
  const names = new Set(items.map((item) => item.name))
  for (const name of known.keys()) if (!names.has(name)) known.delete(name)
}

/** The stat of a path, or undefined when it is gone. */
export function lstat(file: string): BigIntStats | undefined {
  let stat: BigIntStats | undefined
  try {
    stat = lstatSync(file, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if (errno(error) !== "ENOTDIR") throw hostError(error, file)
  }
  refuseInexactName(file)
  return stat
}

/** Bytes that are not UTF-8 arrive as U+FFFD, and then no path leads to the file. */
function refuseInexactName(file: string): void {
  const cut = file.lastIndexOf("/")
  if (!file.includes("\ufffd", cut)) return
  const name = file.slice(cut + 1)
  const alike = readdirSync(file.slice(0, cut + 1), "buffer").filter((n) => n.toString() === name)
  if (alike.every((n) => n.equals(Buffer.from(name)))) return
  throw new HostError("NOT_UTF8", file, `${JSON.stringify(file)}: the name is not UTF-8`)
}

/** An entry without what has to be read. */
export function entryOf(path: string, stat: BigIntStats): Entry {
  const type = stat.isDirectory() ? "dir" : stat.isSymbolicLink() ? "symlink" : "file"
  return {
    path,
    type,
    mode: Number(stat.mode) & 0o7777,
    size: type === "dir" ? 0 : Number(stat.size),
    mtimeNs: stat.mtimeNs,
  }
}

function readLink(file: string): string | undefined {
  try {
    const link = readlinkSync(file)
    if (!link.includes("\ufffd") || readlinkSync(file, "buffer").equals(Buffer.from(link))) {
      return link
    }
  } catch {
    return undefined
  }
  throw new HostError("NOT_UTF8", file, `${JSON.stringify(file)}: the link's target is not UTF-8`)
}

/** The text of a .gitignore file. */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    if (errno(error) === "ENOENT") return ""
    throw hostError(error, file)
  }
}
