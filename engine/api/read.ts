import type { Stat as RawStat, ReadResult } from "../buildkit/bridge-protocol.ts"
import { EngineError } from "../graph/errors.ts"
import { basename, dirname, join } from "../graph/path.ts"
import type { Container, Directory, File, Stat } from "../graph/values.ts"
import type { Session } from "./context.ts"

type Holder = Directory | File | Container

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

/** The names in a directory in byte order; those of directories end in a slash. */
export async function listNames(session: Session, d: Directory, path: string): Promise<string[]> {
  await session.settle(d)
  const at = join(d.path, path)
  const [result] = await session.engine.solver.read(session, d.fs, [{ kind: "dir", path: at }])
  if (!result?.entries) throw failure(at, result ?? {})
  return result.entries
    .map((e) => (e.type === "dir" ? `${e.name}/` : e.name))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** What stands at a path, or `null`. */
export async function lookup(
  session: Session,
  holder: Holder,
  path: string,
  follow: boolean,
): Promise<RawStat | null> {
  await session.settle(holder)
  const { solver } = session.engine
  if (path === "/") {
    return { name: "/", type: "dir", mode: 0o755, size: 0, uid: 0, gid: 0, mtimeNs: 0 }
  }
  if (follow) {
    const [result] = await solver.read(session, holder.fs, [{ kind: "stat", path }])
    if (result?.stat) return result.stat
    if (result?.code === "ENOENT" || result?.code === "ENOTDIR") return null
    throw failure(path, result ?? {})
  }
  const [result] = await solver.read(session, holder.fs, [{ kind: "dir", path: dirname(path) }])
  if (result?.code === "ENOENT" || result?.code === "ENOTDIR") return null
  if (!result?.entries) throw failure(path, result ?? {})
  return result.entries.find((e) => e.name === basename(path)) ?? null
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
    name: basename(path),
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
  const { expectedType, doNotFollowSymlinks } = args
  if (expectedType === "SYMLINK_TYPE" && !doNotFollowSymlinks) {
    throw new EngineError("a symlink can only be expected with doNotFollowSymlinks")
  }
  const found = await lookup(session, holder, path, !doNotFollowSymlinks)
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
    throw new EngineError(`path ${path} is a file, not a directory`)
  }
  return found
}

export async function readFile(session: Session, f: File): Promise<Buffer> {
  await requireType(session, f, f.path, "REGULAR")
  const [result] = await session.engine.solver.read(session, f.fs, [{ kind: "file", path: f.path }])
  if (result?.data === undefined) throw failure(f.path, result ?? {})
  return Buffer.from(result.data, "base64")
}
