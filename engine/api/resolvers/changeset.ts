import { mkdirSync, realpathSync, rmSync } from "node:fs"
import path from "node:path"
import { makePatch } from "../../graph/diff.ts"
import { empty, fileOf, newFile, withDirectory, without } from "../../graph/directory.ts"
import type { Changeset, Directory } from "../../graph/values.ts"
import type { Session } from "../context.ts"
import { literal } from "../filter.ts"
import { readFile } from "../read.ts"
import { exportTo } from "./export.ts"

interface Paths {
  added: string[]
  modified: string[]
  removed: string[]
}

async function paths({ before, after }: Changeset, session: Session): Promise<Paths> {
  if (before.fs === after.fs && before.path === after.path) {
    return { added: [], modified: [], removed: [] }
  }
  const spec = { op: "changes", path: after.path, beforePath: before.path }
  return session.engine.solver.query<Paths>(session, spec, { src: after.fs, before: before.fs })
}

const bare = (p: string) => p.replace(/\/$/, "")

/** What was added or modified, as a tree of its own. */
async function layer(c: Changeset, session: Session): Promise<Directory> {
  const { added, modified } = await paths(c, session)
  const include = [...added, ...modified].map((p) => literal(bare(p)))
  return include.length > 0 ? withDirectory(empty(), "/", c.after, { include }) : empty()
}

/** The directory with the changes made to it. */
export async function applyChanges(
  d: Directory,
  c: Changeset,
  session: Session,
): Promise<Directory> {
  const { removed } = await paths(c, session)
  const without_ = removed.reduce((all, p) => without(all, bare(p), false), d)
  return withDirectory(without_, "/", await layer(c, session))
}

export const changeset = {
  before: (c: Changeset) => c.before,
  after: (c: Changeset) => c.after,
  addedPaths: async (c: Changeset, _: unknown, session: Session) => (await paths(c, session)).added,
  modifiedPaths: async (c: Changeset, _: unknown, session: Session) =>
    (await paths(c, session)).modified,
  removedPaths: async (c: Changeset, _: unknown, session: Session) =>
    (await paths(c, session)).removed,
  async isEmpty(c: Changeset, _: unknown, session: Session): Promise<boolean> {
    const { added, modified, removed } = await paths(c, session)
    return added.length + modified.length + removed.length === 0
  },
  async sync(c: Changeset, _: unknown, session: Session): Promise<string> {
    await paths(c, session)
    return session.idOf(c)
  },
  layer: (c: Changeset, _: unknown, session: Session) => layer(c, session),
  async asPatch(c: Changeset, _: unknown, session: Session) {
    const { added, modified, removed } = await paths(c, session)
    const read = async (d: Directory, p: string) =>
      (await readFile(session, fileOf(d, p))).toString("utf8")
    const files = (list: string[]) => list.filter((p) => !p.endsWith("/"))
    const changes = await Promise.all([
      ...files(added).map(async (p) => ({ path: p, before: null, after: await read(c.after, p) })),
      ...files(modified).map(async (p) => ({
        path: p,
        before: await read(c.before, p),
        after: await read(c.after, p),
      })),
      ...files(removed).map(async (p) => ({
        path: p,
        before: await read(c.before, p),
        after: null,
      })),
    ])
    changes.sort((a, b) => (a.path < b.path ? -1 : 1))
    return newFile("diff.patch", makePatch(changes))
  },
  async export(c: Changeset, args: { path: string }, session: Session): Promise<string> {
    const dest = session.hostPath(args.path)
    mkdirSync(dest, { recursive: true })
    const { removed } = await paths(c, session)
    const root = realpathSync(dest)
    for (const p of removed) {
      const target = path.join(root, bare(p))
      // A link on the way would lead out of the directory that is written to.
      const parent = realpathOrNull(path.dirname(target))
      if (parent === path.dirname(target)) rmSync(target, { recursive: true, force: true })
    }
    await exportTo(session, await layer(c, session), dest)
    return dest
  },
}

function realpathOrNull(p: string): string | null {
  try {
    return realpathSync(p)
  } catch {
    return null
  }
}
