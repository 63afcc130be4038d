import type { Stat as RawStat, Read, ReadResult } from "../buildkit/bridge-protocol.ts"
import { EngineError } from "../graph/errors.ts"
import { basename, join } from "../graph/path.ts"
import { byBytes, readTree } from "../graph/tree.ts"
import type { Directory, File, Stat } from "../graph/values.ts"
import type { Session } from "./context.ts"

type Holder = Pick<Directory | File, "fs" | "tree">

/** What a failed read is called; the path is the one that was asked for. */
const reasons: Record<string, string> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EISDIR: "is a directory",
  EACCES: "permission denied",
  ELOOP: "too many levels of symbolic links",
  EIO: "input/output error",
}

export const failure = (path: string, result: ReadResult): EngineError =>
  new EngineError(`${path}: ${reasons[result.code ?? ""] ?? result.error ?? "cannot be read"}`)

/** Reads what a value holds: from this machine where that is where it came from, else from BuildKit. */
async function ask(session: Session, { fs, tree }: Holder, read: Read): Promise<ReadResult> {
  if (tree) return readTree(tree, read)
  const [result] = await session.engine.solver.read(session, fs, [read])
  return result ?? { code: "EIO" }
}

const notDirectory = (path: string) => new EngineError(`path ${path} is a file, not a directory`)

/** The names in a directory in byte order; those of directories end in a slash. */
export async function listNames(session: Session, d: Directory, path: string): Promise<string[]> {
  const at = join(d.path, path)
  const result = await ask(session, d, { kind: "dir", path: at })
  if (!result.entries) {
    // Of a path that was asked for, the system's words; of the directory itself, Dagger's.
    if (result.code === "ENOTDIR" && at === d.path) throw notDirectory(at)
    throw failure(at, result)
  }
  return result.entries
    .sort((a, b) => byBytes(a.name, b.name))
    .map((e) => (e.type === "dir" ? `${e.name}/` : e.name))
}

/** What stands at a path, or `null`. A file in the place of a directory is an error. */
export async function lookup(
  session: Session,
  holder: Holder,
  path: string,
  follow: boolean,
): Promise<RawStat | null> {
  const read: Read = { kind: "stat", path, ...(!follow && { noFollow: true }) }
  const result = await ask(session, holder, read)
  if (result.stat) return result.stat
  if (result.code === "ENOENT") return null
  throw failure(path, result)
}

const fileTypes: Partial<Record<RawStat["type"], Stat["fileType"]>> = {
  file: "REGULAR",
  dir: "DIRECTORY",
  symlink: "SYMLINK",
}

export async function stat(
  session: Session,
  holder: Holder,
  path: string,
  follow: boolean,
): Promise<Stat> {
  const found = await lookup(session, holder, path, follow)
  if (!found) throw failure(path, { code: "ENOENT" })
  return {
    kind: "Stat",
    name: found.name === "/" ? "/" : basename(found.name),
    size: found.size,
    permissions: found.mode & 0o777,
    fileType: fileTypes[found.type] ?? "UNKNOWN",
  }
}

export async function exists(
  session: Session,
  holder: Holder,
  path: string,
  args: { expectedType?: string | null; doNotFollowSymlinks?: boolean | null },
): Promise<boolean> {
  const { expectedType } = args
  const follow = !args.doNotFollowSymlinks && expectedType !== "SYMLINK_TYPE"
  const found = await lookup(session, holder, path, follow)
  if (!found) return false
  return !expectedType || `${fileTypes[found.type]}_TYPE` === expectedType
}

/** Fails unless what is there is a file, or a directory. */
export async function requireType(
  session: Session,
  holder: Holder,
  path: string,
  type: "REGULAR" | "DIRECTORY",
): Promise<RawStat> {
  const found = await lookup(session, holder, path, true)
  if (!found) throw failure(path, { code: "ENOENT" })
  const is = fileTypes[found.type]
  if (type === "REGULAR" && is === "DIRECTORY") {
    throw new EngineError(`path ${path} is a directory, not a file`)
  }
  if (type === "DIRECTORY" && is !== "DIRECTORY") {
    throw notDirectory(path)
  }
  return found
}

/** Says at once that something is not there, unless a step would have to run to know. */
export async function checkEarly(
  session: Session,
  value: Directory | File,
  type: "REGULAR" | "DIRECTORY",
): Promise<void> {
  if (value.tree || session.engine.solver.known.hasRun(value.fs)) {
    await requireType(session, value, value.path, type)
  }
}

export async function readFile(session: Session, f: File): Promise<Buffer> {
  const result = await ask(session, f, { kind: "file", path: f.path })
  if (result.data !== undefined) return Buffer.from(result.data, "base64")
  await requireType(session, f, f.path, "REGULAR")
  throw failure(f.path, result)
}

/** Writes the contents to a file of this machine. */
export async function saveFile(session: Session, f: File, dest: string): Promise<void> {
  const result = await ask(session, f, { kind: "file", path: f.path, saveTo: dest })
  if (result.size === undefined) throw failure(f.path, result)
}
