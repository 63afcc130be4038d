import { writeFileSync } from "node:fs"
import type { Read, ReadResult, Stat } from "../buildkit/bridge-protocol.ts"
import { HostError } from "../host/errors.ts"
import { type Entry, readTreeFile, type Tree } from "../host/tree.ts"
import { basename, dirname, join } from "./path.ts"

/** As many links as Linux follows. */
const MOST_LINKS = 40

const ROOT: Stat = { name: "/", type: "dir", mode: 0o755, size: 0, uid: 0, gid: 0, mtimeNs: 0 }

/** Answers a question about what was read from the host as BuildKit would, without uploading it. */
export function readTree(tree: Tree, read: Read): ReadResult {
  const follow = read.kind !== "stat" || !read.noFollow
  const found = resolve(tree, read.path, follow)
  if (typeof found === "string") return { error: read.path, code: found }
  const { at, stat } = found
  if (read.kind === "stat") return { stat }
  if (read.kind === "dir") {
    if (stat.type !== "dir") return { error: read.path, code: "ENOTDIR" }
    return { entries: index(tree).children.get(at)?.map(toStat) ?? [] }
  }
  if (stat.type === "dir") return { error: read.path, code: "EISDIR" }
  try {
    const data = contents(tree, at)
    const from = read.offset ?? 0
    const part = data.subarray(from, read.length === undefined ? undefined : from + read.length)
    if (read.saveTo === undefined) return { data: part.toString("base64"), size: part.length }
    writeFileSync(read.saveTo, part, { mode: 0o600 })
    return { size: part.length }
  } catch (error) {
    if (!(error instanceof HostError) || error.code === "CHANGED") throw error
    return { error: error.message, code: error.code === "UNREADABLE" ? "EACCES" : "ENOENT" }
  }
}

export const byBytes = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b))

/** What was read lately, by digest: a snapshot is to last, also when the file changes meanwhile. */
const recent = new Map<string, Buffer>()
const LARGEST = 1 << 20
const MOST_RECENT = 64

function contents(tree: Tree, at: string): Buffer {
  const digest = index(tree).byPath.get(at)?.digest ?? ""
  const known = recent.get(digest)
  if (known) return known
  const data = readTreeFile(tree, at)
  if (digest && data.length <= LARGEST) recent.set(digest, data)
  if (recent.size > MOST_RECENT) recent.delete(recent.keys().next().value as string)
  return data
}

interface Index {
  byPath: Map<string, Entry>
  children: Map<string, Entry[]>
}

const indexes = new WeakMap<Tree, Index>()

function index(tree: Tree): Index {
  let made = indexes.get(tree)
  if (made) return made
  made = { byPath: new Map(), children: new Map() }
  for (const entry of tree.entries) {
    const at = `/${entry.path}`
    const parent = dirname(at)
    made.byPath.set(at, entry)
    const siblings = made.children.get(parent)
    if (siblings) siblings.push(entry)
    else made.children.set(parent, [entry])
  }
  indexes.set(tree, made)
  return made
}

const toStat = (e: Entry): Stat => ({
  name: basename(e.path),
  type: e.type,
  mode: e.mode,
  size: e.size,
  uid: 0,
  gid: 0,
  mtimeNs: Number(e.mtimeNs),
  ...(e.link !== undefined && { link: e.link }),
})

/** Where a path leads; links are followed within the tree. */
function resolve(
  tree: Tree,
  path: string,
  follow: boolean,
): { at: string; stat: Stat } | "ENOENT" | "ENOTDIR" | "ELOOP" {
  const { byPath } = index(tree)
  const todo = join("/", path).split("/").filter(Boolean)
  let at = "/"
  let links = 0
  while (todo.length > 0) {
    if (at !== "/" && byPath.get(at)?.type !== "dir") return "ENOTDIR"
    const name = todo.shift() as string
    if (name === "..") {
      at = dirname(at)
      continue
    }
    const next = join(at, name)
    const entry = byPath.get(next)
    if (!entry) return "ENOENT"
    if (entry.type === "symlink" && (follow || todo.length > 0)) {
      if (++links > MOST_LINKS) return "ELOOP"
      const target = entry.link ?? ""
      if (target.startsWith("/")) at = "/"
      todo.unshift(...target.split("/").filter((part) => part !== "" && part !== "."))
      continue
    }
    at = next
  }
  const entry = byPath.get(at)
  return { at, stat: entry ? toStat(entry) : ROOT }
}
