import { createHash } from "node:crypto"
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { changed, HostError, hostError } from "./errors.ts"
import { Filter, type Place, type Selection } from "./filter.ts"

/** One file, directory or symbolic link of a tree. */
export interface Entry {
  /** Relative to the root, with "/" between names. */
  path: string
  type: "file" | "dir" | "symlink"
  /** Permission bits with setuid, setgid and sticky: 0o7777 at most. */
  mode: number
  /** Bytes; 0 for directories. */
  size: number
  mtimeNs: bigint
  /** Where a symbolic link points, as it is written. */
  link?: string
  /** `sha256:…` of a file's contents. */
  digest?: string
}

/** A directory of the machine as it was when it was read. */
export interface Tree {
  /** Absolute, without symbolic links. */
  root: string
  /** Directories before what is in them, names in byte order: the order BuildKit sends files in. */
  entries: Entry[]
  /** `sha256:…` of what is in the tree: see treeDigest. */
  digest: string
}

/**
 * The content digest of a tree: paths, types, permission bits, contents and link targets. Times,
 * owners and inode numbers do not count.
 */
export function treeDigest(entries: readonly Entry[]): string {
  const hash = createHash("sha256")
  let text = ""
  for (const e of entries) {
    // NUL can be in none of the fields, and every entry has four: no two trees read the same.
    text += `${e.path}\0${e.type}\0${e.mode}\0${e.digest ?? e.link ?? ""}\0`
    if (text.length > 65_536) {
      hash.update(text)
      text = ""
    }
  }
  return `sha256:${hash.update(text).digest("hex")}`
}

/** A tree of these entries. */
export const makeTree = (root: string, entries: Entry[]): Tree => ({
  root,
  entries,
  digest: treeDigest(entries),
})

/**
 * The directory `path` of a tree as a tree of its own.
 *
 * @throws HostError NOT_FOUND, NOT_A_DIRECTORY
 */
export function subtree(tree: Tree, path: string): Tree {
  const at = cleanPath(path)
  if (at === "") return tree
  const directory = findEntry(tree, at)
  if (directory.type !== "dir") {
    throw new HostError(
      "NOT_A_DIRECTORY",
      path,
      `path ${at} is a ${directory.type}, not a directory`,
    )
  }
  const skip = at.length + 1
  const entries = tree.entries
    .filter((e) => e.path.startsWith(`${at}/`))
    .map((e) => ({ ...e, path: e.path.slice(skip) }))
  return makeTree(join(tree.root, at), entries)
}

/**
 * The part of a tree that a selection wants; .gitignore files count from the tree's root down.
 *
 * @throws HostError BAD_PATTERN, and CHANGED when a .gitignore is no longer what it was
 */
export function filterTree(tree: Tree, selection: Selection): Tree {
  const filter = new Filter(selection)
  const ignoreFiles = filter.gitignore ? findGitignores(tree) : undefined
  const entries: Entry[] = []
  /** The directories on the way to the current entry. `below`: the prefix of what is in them. */
  const stack: { below: string; place: Place; waiting: Entry | undefined }[] = []

  const enter = (path: string, place: Place, waiting?: Entry): void => {
    const ignoreFile = ignoreFiles?.get(path)
    if (ignoreFile) filter.addGitignore(place, path, readTreeFile(tree, ignoreFile).toString())
    stack.push({ below: path === "" ? "" : `${path}/`, place, waiting })
  }

  enter("", filter.root())
  let pruned: string | undefined
  for (const entry of tree.entries) {
    const { path } = entry
    if (pruned !== undefined && path.startsWith(pruned)) continue
    while (!path.startsWith((stack.at(-1) as (typeof stack)[number]).below)) stack.pop()
    const { below, place } = stack.at(-1) as (typeof stack)[number]
    const isDirectory = entry.type === "dir"
    const { keep, inside } = filter.judge(path, path.slice(below.length), isDirectory, place)
    if (keep) {
      for (const directory of stack) {
        if (directory.waiting) entries.push(directory.waiting)
        directory.waiting = undefined
      }
      entries.push(entry)
    }
    if (inside) enter(path, inside, keep ? undefined : entry)
    else if (isDirectory) pruned = `${path}/`
  }
  return makeTree(tree.root, entries)
}

/** The .gitignore files of a tree by the directory they are in. */
function findGitignores(tree: Tree): Map<string, string> {
  const found = new Map<string, string>()
  for (const { path, type } of tree.entries) {
    if (type !== "file" || !path.endsWith(".gitignore")) continue
    if (path === ".gitignore") found.set("", path)
    else if (path.endsWith("/.gitignore")) found.set(path.slice(0, -"/.gitignore".length), path)
  }
  return found
}

/**
 * The contents of a file of a tree, from the disk.
 *
 * @throws HostError CHANGED when the file is not the one that was read, NOT_FOUND, NOT_A_FILE
 */
export function readTreeFile(tree: Tree, path: string): Buffer {
  const entry = findEntry(tree, cleanPath(path))
  if (entry.type === "symlink") throw notFound(entry.path)
  if (entry.type === "dir") {
    throw new HostError("NOT_A_FILE", path, `path ${entry.path} is a directory, not a file`)
  }
  const file = join(tree.root, entry.path)
  const same = (stat: BigIntStats): boolean =>
    stat.mtimeNs === entry.mtimeNs && stat.size === BigInt(entry.size)
  let fd: number
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const known = hostError(error, file)
    throw known.code === "UNREADABLE" ? known : changed(file, error)
  }
  try {
    if (!same(fstatSync(fd, { bigint: true }))) throw changed(file)
    const contents = readFileSync(fd)
    if (!same(fstatSync(fd, { bigint: true }))) throw changed(file)
    return contents
  } finally {
    closeSync(fd)
  }
}

const notFound = (path: string): HostError =>
  new HostError("NOT_FOUND", path, `stat ${path}: no such file or directory`)

function findEntry(tree: Tree, path: string): Entry {
  const entry = tree.entries.find((e) => e.path === path)
  if (!entry) throw notFound(path)
  return entry
}

/** A path that climbs out ends at the root, as in Dagger. */
const cleanPath = (path: string): string => join("/", path).replace(/\/$/, "").slice(1)

/** The entries as JSON. `mtimeNs` is a decimal string: it does not fit a double. */
export const toEntriesJson = (tree: Tree): string =>
  JSON.stringify(
    tree.entries.map(({ path, type, mode, size, mtimeNs, link }) => ({
      path,
      type,
      mode,
      size,
      mtimeNs: mtimeNs.toString(),
      link,
    })),
  )
