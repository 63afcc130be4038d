import { rmSync } from "node:fs"
import {
  chown,
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
import { basename, join } from "../../graph/path.ts"
import type { Changeset, Directory } from "../../graph/values.ts"
import { globTree } from "../../host/glob.ts"
import { diff } from "../../llb/combine.ts"
import { copy, edit } from "../../llb/file.ts"
import type { Session } from "../context.ts"
import { resolveFilter } from "../filter.ts"
import { patched } from "../patch.ts"
import { checkEarly, exists, listNames, readFile, requireType, stat } from "../read.ts"
import { applyChanges } from "./changeset.ts"
import { atRoot, exportTo } from "./export.ts"
import { type SearchArgs, search } from "./search.ts"

type PathArgs = { path: string }
type StatArgs = PathArgs & { doNotFollowSymlinks?: boolean | null }

export const directory = {
  async id(d: Directory, _: unknown, session: Session): Promise<string> {
    if (d.path !== "/") await checkEarly(session, d, "DIRECTORY")
    return session.idOf(d)
  },
  async sync(d: Directory, _: unknown, session: Session): Promise<string> {
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
    if (!d.fs) return []
    if (d.tree && d.path === "/") return globTree(d.tree, pattern)
    const spec = { op: "glob", pattern, path: d.path }
    return session.engine.solver.query<string[]>(session, spec, { src: d.fs })
  },
  async digest(d: Directory, _: unknown, session: Session) {
    if (d.tree && d.path === "/") return d.tree.digest
    const spec = { op: "digest", kind: "directory", path: d.path }
    return session.engine.solver.query<string>(session, spec, { src: d.fs })
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
    await exportTo(session, d, dest)
    return dest
  },

  directory: (d: Directory, { path }: PathArgs) => subdirectory(d, path),
  async file(d: Directory, { path }: PathArgs) {
    return fileOf(d, path)
  },
  filter: async (d: Directory, args: Filter, session: Session) =>
    filter(d, await resolveFilter(session, d, args)),
  diff(d: Directory, { other }: { other: string }, session: Session): Directory {
    const upper = session.load("Directory", other)
    if (d.fs === upper.fs && d.path === upper.path)
      return { kind: "Directory", fs: null, path: "/" }
    return { kind: "Directory", fs: diff(atRoot(d).fs, atRoot(upper).fs), path: "/" }
  },
  changes: (d: Directory, { from }: { from: string }, session: Session): Changeset => ({
    kind: "Changeset",
    before: session.load("Directory", from),
    after: d,
  }),
  withChanges: (d: Directory, { changes }: { changes: string }, session: Session) =>
    applyChanges(d, session.load("Changeset", changes), session),
  withPatch: (d: Directory, { patch }: { patch: string }, session: Session) =>
    patched(session, d, patch),
  async withPatchFile(d: Directory, { patch }: { patch: string }, session: Session) {
    const text = await readFile(session, session.load("File", patch))
    return patched(session, d, text.toString("utf8"))
  },
  search: (d: Directory, args: SearchArgs, session: Session) => search(session, d, args),
  withNewFile: (d: Directory, args: PathArgs & { contents: string; permissions?: number | null }) =>
    withNewFile(d, args.path, args.contents, args.permissions ?? undefined),
  withNewDirectory: (d: Directory, args: PathArgs & { permissions?: number | null }) =>
    withNewDirectory(d, args.path, args.permissions ?? undefined),
  withSymlink: (d: Directory, args: { target: string; linkName: string }) =>
    withSymlink(d, args.target, args.linkName),
  async withDirectory(
    d: Directory,
    args: PathArgs & { source: string } & Filter & PlaceOptions,
    session: Session,
  ) {
    const source = session.load("Directory", args.source)
    return withDirectory(d, args.path, source, await resolveFilter(session, source, args))
  },
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
  withoutFiles: (d: Directory, { paths }: { paths: string[] }) =>
    paths.reduce((all, p) => without(all, p), d),
  withoutDirectory: (d: Directory, { path }: PathArgs) => without(d, path),
  withError: (d: Directory, { err }: { err: string }): Directory =>
    err ? { ...d, error: err } : d,
  chown: (d: Directory, { path, owner }: PathArgs & { owner: string }) => chown(d, path, owner),
  async withTimestamps(d: Directory, { timestamp }: { timestamp: number }): Promise<Directory> {
    const times = { contents: true, timestamp: timestamp * 1e9 }
    const fs = edit(null, copy("/", d.fs, d.path, times))
    return { kind: "Directory", fs, path: "/" }
  },
}
