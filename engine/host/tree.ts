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
  /** `sha256:…` of what is in the tree: paths, types, permission bits, contents, link targets. */
  digest: string
}

/**
 * The content digest of a tree: paths, types, permission bits, contents and link targets. Times,
 * owners and inode numbers do not count.
 */
function treeDigest(entries: readonly Entry[]): string {
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
 * The directory `path` of a tree as a tree of its own; undefined when that is none: missing, a file,
 * or reached through a symbolic link, which is not followed here.
 */
export function subtree(tree: Tree, path: string): Tree | undefined {
  const at = cleanPath(path)
  if (at === "") return tree
  if (tree.entries.find((e) => e.path === at)?.type !== "dir") return undefined
  const below = `${at}/`
  const entries = tree.entries
    .filter((e) => e.path.startsWith(below))
    .map((e) => ({ ...e, path: e.path.slice(below.length) }))
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
 * The contents of a file of a tree, from the disk. Symbolic links are not followed.
 *
 * @throws HostError CHANGED when the file is not the one that was read, NOT_FOUND, NOT_A_FILE
 */
export function readTreeFile(tree: Tree, path: string): Buffer {
  const at = cleanPath(path)
  const entry = tree.entries.find((e) => e.path === at)
  if (!entry || entry.type === "symlink") {
    throw new HostError("NOT_FOUND", path, `stat ${at}: no such file or directory`)
  }
  if (entry.type === "dir") {
    throw new HostError("NOT_A_FILE", path, `path ${at} is a directory, not a file`)
  }
  const file = join(tree.root, at)
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

/** A path that climbs out ends at the root, as in Dagger. */
const cleanPath = (path: string): string => join("/", path).replace(/\/$/, "").slice(1)

/** The entries as the bridge takes them. */
export function toEntriesJson(tree: Tree): string {
  const rows = tree.entries.map(({ path, type, mode, size, mtimeNs, link, digest }) => {
    const time = digest ? markTime(mtimeNs, digest) : mtimeNs
    const target = link === undefined ? "" : `,"link":${JSON.stringify(link)}`
    return `{"path":${JSON.stringify(path)},"type":"${type}","mode":${mode},"size":${size},"mtimeNs":${time}${target}}`
  })
  return `[${rows.join(",\n")}]`
}

/**
 * BuildKit takes a file for unchanged when size and time are what they were at the last upload. The
 * part below the microsecond is therefore drawn from the contents: an edit that keeps both (a build
 * that sets times, two writes within one clock tick) is still sent.
 */
function markTime(mtimeNs: bigint, digest: string): bigint {
  if (mtimeNs < 0n) return mtimeNs
  const mark = Number.parseInt(digest.slice(-8), 16) % 1000
  return mtimeNs - (mtimeNs % 1000n) + BigInt(mark)
}
