import type { Tree } from "../host/tree.ts"
import { filterTree, subtree } from "../host/tree.ts"
import { copy, edit, mkdir, rm, symlink } from "../llb/file.ts"
import { localTree } from "../llb/source.ts"
import { EngineError } from "./errors.ts"
import { parseOwner } from "./owner.ts"
import { join } from "./path.ts"
import type { Directory, File } from "./values.ts"
import { parents, write } from "./write.ts"

export interface Filter {
  include?: readonly string[] | null
  exclude?: readonly string[] | null
  /** Only for what was read from the host: elsewhere what git ignores has to be found out first. */
  gitignore?: boolean | null
}

const isFilter = (f: Filter) => !!(f.include?.length || f.exclude?.length || f.gitignore)

export const empty = (): Directory => ({ kind: "Directory", fs: null, path: "/" })

/** What was read from the host: uploaded only when a step needs it. */
export function fromTree(tree: Tree): Directory {
  const fs = localTree(tree, tree.root, tree.root)
  return { kind: "Directory", fs, path: "/", tree }
}

export function withNewFile(
  d: Directory,
  path: string,
  contents: string,
  mode?: number,
): Directory {
  const target = join(d.path, path)
  if (target === d.path) throw new EngineError(`open ${target}: is a directory`)
  return { kind: "Directory", fs: write(d.fs, target, contents, mode), path: d.path }
}

export function withNewDirectory(d: Directory, path: string, mode?: number): Directory {
  return {
    kind: "Directory",
    fs: edit(d.fs, mkdir(join(d.path, path), mode || 0o755)),
    path: d.path,
  }
}

export function withSymlink(d: Directory, target: string, linkName: string): Directory {
  const at = join(d.path, linkName)
  return { kind: "Directory", fs: edit(d.fs, parents(at), symlink(target, at)), path: d.path }
}

export interface PlaceOptions {
  owner?: string | null
  permissions?: number | null
}

const placing = (opts: PlaceOptions) => {
  const owner = parseOwner(opts.owner ?? "")
  return { ...(owner && { owner }), ...(opts.permissions != null && { mode: opts.permissions }) }
}

/** Copies a tree into a file system; the destination is made even when nothing is copied. */
export function place(
  fs: Directory["fs"],
  target: string,
  source: Directory,
  opts: Filter & PlaceOptions = {},
): Directory["fs"] {
  const { include, exclude, ...how } = opts
  if (source.tree && source.path === "/" && isFilter(opts)) {
    return place(fs, target, filterHost(source.tree, opts), how)
  }
  const attributes = placing(how)
  const made =
    target === "/" ? undefined : mkdir(target, attributes.mode ?? 0o755, attributes.owner)
  const copied = source.fs
    ? copy(target, source.fs, source.path, {
        contents: true,
        ...attributes,
        ...(include && { include }),
        ...(exclude && { exclude }),
      })
    : undefined
  return made || copied ? edit(fs, made, copied) : fs
}

export function withDirectory(
  d: Directory,
  path: string,
  source: Directory,
  opts: Filter & PlaceOptions = {},
): Directory {
  return { kind: "Directory", fs: place(d.fs, join(d.path, path), source, opts), path: d.path }
}

/** Copies one file into a file system. */
export function placeFile(
  fs: Directory["fs"],
  target: string,
  source: File,
  opts: PlaceOptions = {},
): Directory["fs"] {
  return edit(fs, copy(target, source.fs, source.path, placing(opts)))
}

export function withFile(d: Directory, path: string, source: File, opts?: PlaceOptions): Directory {
  const target = join(d.path, path) + (path.endsWith("/") ? "/" : "")
  return { kind: "Directory", fs: placeFile(d.fs, target, source, opts), path: d.path }
}

/** Removes what a path or a glob names. */
export function without(d: Directory, path: string, wildcard = /[*?[]/.test(path)): Directory {
  const target = join(d.path, path)
  if (target === "/") throw new EngineError(`remove /: device or resource busy`)
  return { kind: "Directory", fs: edit(d.fs, rm(target, wildcard)), path: d.path }
}

export function filter(d: Directory, opts: Filter): Directory {
  if (!isFilter(opts)) return d
  if (d.tree && d.path === "/") return filterHost(d.tree, opts)
  return withDirectory(empty(), "/", d, opts)
}

const filterHost = (tree: Tree, { include, exclude, gitignore }: Filter): Directory =>
  fromTree(
    filterTree(tree, {
      ...(include && { include }),
      ...(exclude && { exclude }),
      ...(gitignore && { gitignore }),
    }),
  )

/** Gives what is at a path, and all below it, to another owner. */
export function chown(d: Directory, path: string, owner: string): Directory {
  const at = join(d.path, path)
  const without = at === "/" ? null : edit(d.fs, rm(at))
  const fs = place(without, at, { ...d, path: at }, { owner })
  return { kind: "Directory", fs, path: d.path }
}

export function subdirectory(d: Directory, path: string): Directory {
  const target = join(d.path, path)
  if (d.tree && target !== "/") {
    const tree = subtree(d.tree, target)
    if (tree) return fromTree(tree)
  }
  return { kind: "Directory", fs: d.fs, path: target, ...(d.tree && { tree: d.tree }) }
}

export function fileOf(d: Directory, path: string): File {
  return { kind: "File", fs: d.fs, path: join(d.path, path), ...(d.tree && { tree: d.tree }) }
}

export function newFile(name: string, contents: string, mode?: number): File {
  return fileOf(withNewFile(empty(), name, contents, mode), name)
}

export const unsupported = (what: string): string =>
  `${what} is not supported by the embedded engine, use --engine dagger`
