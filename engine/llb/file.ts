import { type Fs, type Output, vertex } from "./vertex.ts"

/** Owner of what a file operation makes, in numbers: a name would make a key of all its `/etc/passwd` is in. */
export interface Owner {
  user: { byID: number }
  group: { byID: number }
}

function fileOp(name: string, base: Fs, action: object, secondary?: Fs): Output {
  const inputs: Output[] = []
  const input = base ? inputs.push(base) - 1 : -1
  const secondaryInput = secondary ? inputs.push(secondary) - 1 : -1
  const op = { file: { actions: [{ input, secondaryInput, output: 0, ...action }] } }
  return { vertex: vertex(op, { name, inputs }), index: 0 }
}

/** Times are fixed, so that equal calls make equal trees. */
const timestamp = 0

export function mkfile(base: Fs, path: string, data: Buffer, mode = 0o644, owner?: Owner): Output {
  const mkfile = { path, mode, data, timestamp, ...(owner && { owner }) }
  return fileOp(`write ${path}`, base, { mkfile })
}

export function mkdir(base: Fs, path: string, mode = 0o755, owner?: Owner): Output {
  const mkdir = { path, mode, makeParents: true, timestamp, ...(owner && { owner }) }
  return fileOp(`mkdir ${path}`, base, { mkdir })
}

export function symlink(base: Fs, target: string, path: string): Output {
  return fileOp(`symlink ${path}`, base, {
    symlink: { oldpath: target, newpath: path, timestamp },
  })
}

/** Removes what `path` (a glob when `wildcard`) names; nothing there is no error. */
export function rm(base: Fs, path: string, wildcard = false): Output {
  const rm = { path, allowNotFound: true, ...(wildcard && { allowWildcard: true }) }
  return fileOp(`remove ${path}`, base, { rm })
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

/** Copies `src` of one file system to `dest` of another; parents are made as needed. */
export function copy(
  base: Fs,
  dest: string,
  from: Fs,
  src: string,
  opts: CopyOptions = {},
): Output {
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
  return fileOp(`copy ${dest}`, base, { copy }, from)
}
