import { existsSync, realpathSync, statSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { StatCache } from "./cache.ts"
import { HostError, hostError } from "./errors.ts"
import { Filter, type Selection } from "./filter.ts"
import { isIgnored, parseGitignore, type Rules, type Scope } from "./gitignore.ts"
import { hashFile } from "./hash.ts"
import { type Entry, makeTree, type Tree } from "./tree.ts"
import { Breaks, entryOf, lstat, readText, type Unknown, walk } from "./walk.ts"

/**
 * Reads directories of the machine. One reader serves a whole process: a file is read once, and
 * again only when its stat changed.
 *
 * @example
 *     const reader = new HostReader({ cacheFile: join(stateDir, "host-cache") })
 *     const tree = await reader.read("/src/app", { exclude: [".git"], gitignore: true })
 */
export class HostReader {
  /** How many files were read so far. */
  filesRead = 0
  readonly #cache = new StatCache()
  readonly #cacheFile: string | undefined
  #loaded: Promise<void> | undefined

  /** `cacheFile`: where `save` keeps what is known for the next process. */
  constructor({ cacheFile }: { cacheFile?: string } = {}) {
    this.#cacheFile = cacheFile
  }

  /**
   * Reads the directory `root` (absolute; may be a symbolic link) as it is now. With `gitignore`,
   * the .gitignore files above it count too, up to the root of the git repository it is in.
   *
   * @throws HostError NOT_FOUND, NOT_A_DIRECTORY, UNREADABLE, NOT_UTF8, CHANGED, BAD_PATTERN
   */
  async read(root: string, selection: Selection = {}): Promise<Tree> {
    const filter = new Filter(selection)
    const real = resolveDirectory(root)
    await this.#load()
    const above = filter.gitignore ? scopeAbove(real) : {}
    if (!above) return makeTree(real, [])
    const { entries, unknown } = await walk(real, filter, filter.root(above.scope), this.#cache)
    const gone = await this.#hash(unknown)
    return makeTree(real, gone.size > 0 ? entries.filter((e) => !gone.has(e)) : entries)
  }

  /**
   * The file `path` (absolute, not a symbolic link) as a tree of its directory with this one entry.
   *
   * @throws HostError NOT_FOUND, NOT_A_FILE, UNREADABLE, CHANGED
   */
  async readFile(path: string): Promise<Tree> {
    const name = basename(path)
    const root = resolveDirectory(dirname(path))
    const file = join(root, name)
    await this.#load()
    const stat = lstat(file)
    if (stat?.isDirectory()) {
      throw new HostError("NOT_A_FILE", path, `path ${name} is a directory, not a file`)
    }
    if (stat?.isFile()) {
      const entry = entryOf(name, stat)
      const known = this.#cache.of(root)
      const digest = this.#cache.lookup(known, name, stat)
      if (digest) return makeTree(root, [{ ...entry, digest }])
      const gone = await this.#hash([{ entry, file, stat, name, known }])
      if (gone.size === 0) return makeTree(root, [entry])
    }
    throw new HostError("NOT_FOUND", path, `stat ${name}: no such file or directory`)
  }

  /** Writes the cache file, if there is to be one. */
  async save(): Promise<void> {
    if (this.#cacheFile) await this.#cache.save(this.#cacheFile)
  }

  #load(): Promise<void> {
    this.#loaded ??= this.#cacheFile ? this.#cache.load(this.#cacheFile) : Promise.resolve()
    return this.#loaded
  }

  /** Reads the files that are not known; answers those that are gone meanwhile. */
  async #hash(files: Unknown[]): Promise<Set<Entry>> {
    const gone = new Set<Entry>()
    const breaks = new Breaks()
    for (const { entry, file, stat, name, known } of files) {
      if (breaks.due()) await breaks.take()
      const hashed = await hashFile(file, stat)
      this.filesRead++
      if (!hashed) {
        gone.add(entry)
        continue
      }
      entry.digest = hashed.digest
      entry.size = Number(hashed.stat.size)
      entry.mtimeNs = hashed.stat.mtimeNs
      entry.mode = Number(hashed.stat.mode) & 0o7777
      this.#cache.remember(known, name, hashed)
    }
    return gone
  }
}

function resolveDirectory(path: string): string {
  let real: string
  try {
    real = realpathSync(path)
    if (statSync(real).isDirectory()) return real
  } catch (error) {
    throw hostError(error, path)
  }
  throw new HostError("NOT_A_DIRECTORY", path, `stat ${path}: not a directory`)
}

/**
 * The .gitignore files from the root of the git repository down to the directory above `root`;
 * undefined when they ignore `root` itself.
 */
function scopeAbove(root: string): { scope?: Scope } | undefined {
  let top = root
  while (!existsSync(join(top, ".git"))) {
    if (dirname(top) === top) return {}
    top = dirname(top)
  }
  const names = relative(top, root).split("/").filter(Boolean)
  const rules: Rules[] = []
  /** For paths relative to the directory that is `depth` names below `top`. */
  const scopeAt = (depth: number): Scope | undefined =>
    rules.reduce<Scope | undefined>((parent, rules, i) => {
      const prefix = names.slice(i, depth).map((name) => `${name}/`)
      return { rules, skip: 0, prefix: prefix.join(""), parent }
    }, undefined)
  for (const [depth, name] of names.entries()) {
    rules.push(parseGitignore(readText(join(top, ...names.slice(0, depth), ".gitignore"))))
    if (isIgnored(scopeAt(depth), name, name, true)) return undefined
  }
  const scope = scopeAt(names.length)
  return scope ? { scope } : {}
}
