import {
  directoryOf,
  fileOf,
  resolvePath,
  rootfs,
  withDirectory,
  withFile,
  withNewFile,
  without,
  withRootfs,
  withSymlink,
} from "../../graph/container.ts"
import type { Container } from "../../graph/values.ts"
import type { Session } from "../context.ts"
import { resolveFilter } from "../filter.ts"
import { resolveOwner } from "../owner.ts"
import { exists, stat } from "../read.ts"

type Expandable = { expand?: boolean | null }
type PathArgs = Expandable & { path: string }
export type Placed = PathArgs & { owner?: string | null; permissions?: number | null }

/** What is in a container's file system, mounts included. */
export const files = {
  rootfs: (c: Container) => rootfs(c),
  withRootfs: (c: Container, args: { directory: string }, session: Session) =>
    withRootfs(c, session.load("Directory", args.directory)),
  directory: (c: Container, { path, expand }: PathArgs) => directoryOf(c, path, expand),
  file: (c: Container, { path, expand }: PathArgs) => fileOf(c, path, expand),
  exists(
    c: Container,
    args: PathArgs & { expectedType?: string | null; doNotFollowSymlinks?: boolean | null },
    session: Session,
  ) {
    const at = fileOf(c, args.path, args.expand)
    return exists(session, at, at.path, args)
  },
  stat(
    c: Container,
    args: { path: string; doNotFollowSymlinks?: boolean | null },
    session: Session,
  ) {
    const at = fileOf(c, args.path)
    return stat(session, at, at.path, !args.doNotFollowSymlinks)
  },
  withNewFile: async (c: Container, args: Placed & { contents: string }, session: Session) =>
    withNewFile(c, args.path, args.contents, await resolveOwner(session, c, args)),
  withSymlink: (c: Container, args: Expandable & { target: string; linkName: string }) =>
    withSymlink(c, args.target, resolvePath(c, args.linkName, args.expand)),
  async withDirectory(
    c: Container,
    args: Placed & {
      source: string
      include?: string[] | null
      exclude?: string[] | null
      gitignore?: boolean | null
    },
    session: Session,
  ) {
    const source = session.load("Directory", args.source)
    const opts = await resolveOwner(session, c, await resolveFilter(session, source, args))
    return withDirectory(c, args.path, source, opts)
  },
  withFile: async (c: Container, args: Placed & { source: string }, session: Session) =>
    withFile(c, args.path, session.load("File", args.source), await resolveOwner(session, c, args)),
  async withFiles(c: Container, args: Placed & { sources: string[] }, session: Session) {
    const opts = await resolveOwner(session, c, args)
    return args.sources.reduce(
      (all, id) => withFile(all, `${args.path}/`, session.load("File", id), opts),
      c,
    )
  },
  withoutFile: (c: Container, args: PathArgs) => without(c, args.path, args),
  withoutFiles: (c: Container, args: Expandable & { paths: string[] }) =>
    args.paths.reduce((all, p) => without(all, p, args), c),
  withoutDirectory: (c: Container, args: PathArgs) => without(c, args.path, args),
}
