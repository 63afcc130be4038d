import { existsSync, lstatSync } from "node:fs"
import path from "node:path"
import { fileOf, fromTree } from "../../graph/directory.ts"
import { EngineError } from "../../graph/errors.ts"
import type { Directory, File, Host } from "../../graph/values.ts"
import type { Session } from "../context.ts"
import { literal } from "../filter.ts"

interface DirectoryArgs {
  path: string
  include?: string[] | null
  exclude?: string[] | null
  gitignore?: boolean | null
  noCache?: boolean | null
}

async function read(args: DirectoryArgs, session: Session): Promise<Directory> {
  const tree = await session.engine.host.read(session.hostPath(args.path), {
    ...(args.include?.length && { include: args.include }),
    ...(args.exclude?.length && { exclude: args.exclude }),
    ...(args.gitignore && { gitignore: true }),
  })
  return fromTree(tree)
}

export const host = {
  /** Read once a session: what changes on disk meanwhile is not seen, unless `noCache` says so. */
  directory(_: Host, args: DirectoryArgs, session: Session): Promise<Directory> {
    if (args.noCache) return read(args, session)
    const { include, exclude, gitignore } = args
    const key = JSON.stringify([session.hostPath(args.path), include, exclude, gitignore])
    let snapshot = session.snapshots.get(key)
    if (!snapshot) {
      snapshot = read(args, session)
      session.snapshots.set(key, snapshot)
    }
    return snapshot
  },

  async file(
    _: Host,
    args: { path: string; noCache?: boolean | null },
    session: Session,
  ): Promise<File> {
    const full = session.hostPath(args.path)
    const name = path.basename(full)
    const stat = lstatSync(full, { throwIfNoEntry: false })
    if (stat?.isDirectory()) throw new EngineError(`path ${name} is a directory, not a file`)
    // A link is not followed: what it leads to may be in no directory that was asked for.
    if (!stat?.isFile()) throw new EngineError(`stat ${name}: no such file or directory`)
    const parent = await host.directory(
      _,
      { path: path.dirname(full), include: [literal(name)], noCache: args.noCache ?? null },
      session,
    )
    return fileOf(parent, name)
  },

  findUp(_: Host, args: { name: string }, session: Session): string | null {
    for (let dir = session.cwd; ; dir = path.dirname(dir)) {
      const found = path.join(dir, args.name)
      if (existsSync(found)) return found
      if (dir === path.dirname(dir)) return null
    }
  },
}
