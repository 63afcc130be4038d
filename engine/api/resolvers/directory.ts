import { mkdirSync, rmSync } from "node:fs"
import {
  type Filter,
  fileOf,
  filter,
  type PlaceOptions,
  subdirectory,
  withDirectory,
  withFile,
  withNewDirectory,
  withNewFile,
  without,
  withSymlink,
} from "../../graph/directory.ts"
import { EngineError } from "../../graph/errors.ts"
import { basename, join } from "../../graph/path.ts"
import type { Directory } from "../../graph/values.ts"
import { globTree } from "../../host/glob.ts"
import { diff } from "../../llb/combine.ts"
import { copy } from "../../llb/file.ts"
import type { Session } from "../context.ts"
import { exists, listNames, requireType, stat } from "../read.ts"

type PathArgs = { path: string }
type StatArgs = PathArgs & { doNotFollowSymlinks?: boolean | null }

/** The directory as the root of a file system of its own. */
const atRoot = (d: Directory): Directory =>
  d.path === "/" ? d : withDirectory({ kind: "Directory", fs: null, path: "/" }, "/", d)

export const directory = {
  async sync(d: Directory, _: unknown, session: Session): Promise<string> {
    if (d.error) throw new EngineError(d.error)
    if (d.fs) await session.engine.solver.ensure(session, [d.fs])
    if (d.path !== "/") await requireType(session, d, d.path, "DIRECTORY")
    return session.idOf(d)
  },
  async name(d: Directory, _: unknown, session: Session): Promise<string> {
    if (d.path === "/") return "/"
    await requireType(session, d, d.path, "DIRECTORY")
    return `${basename(d.path)}/`
  },
  entries: (d: Directory, { path }: { path?: string | null }, session: Session) =>
    listNames(session, d, path ?? ""),
  exists: (d: Directory, args: StatArgs & { expectedType?: string | null }, session: Session) =>
    exists(session, d, join(d.path, args.path), args),
  stat: (d: Directory, { path, doNotFollowSymlinks }: StatArgs, session: Session) =>
    stat(session, d, join(d.path, path), !doNotFollowSymlinks),
  async glob(d: Directory, { pattern }: { pattern: string }, session: Session) {
    if (d.tree) return globTree(d.tree, pattern)
    await session.settle(d)
    if (!d.fs) return []
    return session.engine.solver.query<string[]>(
      session,
      `glob ${pattern}`,
      { op: "glob", pattern, path: d.path },
      { src: d.fs },
    )
  },
  async digest(d: Directory, _: unknown, session: Session) {
    await session.settle(d)
    return session.engine.solver.query<string>(
      session,
      "digest",
      { op: "digest", kind: "directory", path: d.path },
      { src: d.fs },
    )
  },
  async findUp(d: Directory, args: { name: string; start: string }, session: Session) {
    for (let at = join("/", args.start); ; at = join(at, "..")) {
      const found = join(at, args.name)
      if (await exists(session, d, join(d.path, found), {})) return found.slice(1)
      if (at === "/") return null
    }
  },
  async export(d: Directory, args: PathArgs & { wipe?: boolean | null }, session: Session) {
    const dest = session.hostPath(args.path)
    await directory.sync(d, {}, session)
    if (args.wipe) rmSync(dest, { recursive: true, force: true })
    mkdirSync(dest, { recursive: true })
    if (d.fs) await session.engine.solver.export(session, atRoot(d).fs, { type: "local", dest })
    return dest
  },

  directory: (d: Directory, { path }: PathArgs) => subdirectory(d, path),
  async file(d: Directory, { path }: PathArgs) {
    return fileOf(d, path)
  },
  filter: (d: Directory, args: Filter) => filter(d, args),
  diff(d: Directory, { other }: { other: string }, session: Session): Directory {
    const upper = session.load("Directory", other)
    if (d.fs === upper.fs && d.path === upper.path)
      return { kind: "Directory", fs: null, path: "/" }
    return { kind: "Directory", fs: diff(atRoot(d).fs, atRoot(upper).fs), path: "/" }
  },
  withNewFile: (d: Directory, args: PathArgs & { contents: string; permissions?: number | null }) =>
    withNewFile(d, args.path, args.contents, args.permissions ?? undefined),
  withNewDirectory: (d: Directory, args: PathArgs & { permissions?: number | null }) =>
    withNewDirectory(d, args.path, args.permissions ?? undefined),
  withSymlink: (d: Directory, args: { target: string; linkName: string }) =>
    withSymlink(d, args.target, args.linkName),
  withDirectory: (
    d: Directory,
    args: PathArgs & { source: string } & Filter & PlaceOptions,
    session: Session,
  ) => withDirectory(d, args.path, session.load("Directory", args.source), args),
  withFile: (d: Directory, args: PathArgs & { source: string } & PlaceOptions, session: Session) =>
    withFile(d, args.path, session.load("File", args.source), args),
  withFiles: (
    d: Directory,
    args: PathArgs & { sources: string[] } & PlaceOptions,
    session: Session,
  ) =>
    args.sources.reduce(
      (all, id) => withFile(all, `${args.path}/`, session.load("File", id), args),
      d,
    ),
  withoutFile: (d: Directory, { path }: PathArgs) => without(d, path),
  withoutFiles: (d: Directory, { paths }: { paths: string[] }) => paths.reduce(without, d),
  withoutDirectory: (d: Directory, { path }: PathArgs) => without(d, path),
  withError: (d: Directory, { err }: { err: string }): Directory =>
    err ? { ...d, error: err } : d,
  chown(d: Directory, args: PathArgs & { owner: string }): Directory {
    const at = join(d.path, args.path)
    const { fs } = withDirectory({ ...d, path: "/" }, at, subdirectory(d, args.path), {
      owner: args.owner,
    })
    return { kind: "Directory", fs, path: d.path }
  },
  async withTimestamps(d: Directory, { timestamp }: { timestamp: number }): Promise<Directory> {
    const fs = copy(null, "/", d.fs, d.path, { contents: true, timestamp: timestamp * 1e9 })
    return { kind: "Directory", fs, path: "/" }
  },
}
