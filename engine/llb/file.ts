import { type Fs, type Output, vertex } from "./vertex.ts"

/** Owner of what a file operation makes, in numbers: a name would make a key of all its `/etc/passwd` is in. */
export interface Owner {
  user: { byID: number }
  group: { byID: number }
}

/** One change to a file system. Some make a new tree when there is none, some need one. */
export interface FileAction {
  name: string
  action: object
  /** What a copy reads from. */
  from?: Fs
}

/** Times are fixed, so that equal calls make equal trees. */
const timestamp = 0

/**
 * Makes changes to a file system, one after the other, as one operation: one snapshot, and one layer
 * of an image.
 */
export function edit(base: Fs, ...actions: (FileAction | undefined)[]): Output {
  const inputs: Output[] = []
  const input = (fs: Fs | undefined) => (fs ? inputs.push(fs) - 1 : -1)
  const first = input(base)
  const list = actions.filter((a) => a !== undefined)
  const secondaries = list.map(({ from }) => input(from))
  const op = {
    file: {
      actions: list.map(({ action }, i) => ({
        // What comes after the inputs are the results of the actions before.
        input: i === 0 ? first : inputs.length + i - 1,
        secondaryInput: secondaries[i] as number,
        output: i === list.length - 1 ? 0 : -1,
        ...action,
      })),
    },
  }
  return { vertex: vertex(op, { name: list.at(-1)?.name ?? "nothing", inputs }), index: 0 }
}

export function mkfile(path: string, data: Buffer, mode = 0o644, owner?: Owner): FileAction {
  const mkfile = { path, mode, data, timestamp, ...(owner && { owner }) }
  return { name: `write ${path}`, action: { mkfile } }
}

export function mkdir(path: string, mode = 0o755, owner?: Owner): FileAction {
  const mkdir = { path, mode, makeParents: true, timestamp, ...(owner && { owner }) }
  return { name: `mkdir ${path}`, action: { mkdir } }
}

export function symlink(target: string, path: string): FileAction {
  const symlink = { oldpath: target, newpath: path, timestamp }
  return { name: `symlink ${path}`, action: { symlink } }
}

/** Removes what `path` (a glob when `wildcard`) names; nothing there is no error. */
export function rm(path: string, wildcard = false): FileAction {
  const rm = { path, allowNotFound: true, ...(wildcard && { allowWildcard: true }) }
  return { name: `remove ${path}`, action: { rm } }
}

export interface CopyOptions {
  include?: readonly string[]
  exclude?: readonly string[]
  owner?: Owner
  mode?: number
  /** Nanoseconds since 1970 for every file; as they are when left out. */
  timestamp?: number
  /** Copy what a directory holds, not the directory itself. */
  contents?: boolean
}

/** Copies `src` of another file system to `dest`; parents are made as needed. */
export function copy(dest: string, from: Fs, src: string, opts: CopyOptions = {}): FileAction {
  const copy = {
    src,
    dest,
    mode: opts.mode ?? -1,
    createDestPath: true,
    timestamp: opts.timestamp ?? -1,
    // In a tree that is laid over another, a file may take the place of a directory.
    ...(opts.contents && { dirCopyContents: true, alwaysReplaceExistingDestPaths: true }),
    ...(opts.owner && { owner: opts.owner }),
    ...(opts.include?.length && { includePatterns: opts.include }),
    ...(opts.exclude?.length && { excludePatterns: opts.exclude }),
  }
  return { name: `copy ${dest}`, action: { copy }, from }
}
