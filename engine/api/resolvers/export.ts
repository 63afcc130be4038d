import { mkdirSync } from "node:fs"
import { withDirectory } from "../../graph/directory.ts"
import { EngineError } from "../../graph/errors.ts"
import type { Directory } from "../../graph/values.ts"
import type { Session } from "../context.ts"

/** The directory as the root of a file system of its own. */
export const atRoot = (d: Directory): Directory =>
  d.path === "/" ? d : withDirectory({ kind: "Directory", fs: null, path: "/" }, "/", d)

/** Writes what is in the directory into a directory of this machine; what else is there stays. */
export async function exportTo(session: Session, d: Directory, dest: string): Promise<void> {
  try {
    mkdirSync(dest, { recursive: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EEXIST" || code === "ENOTDIR") throw new EngineError(`${dest}: not a directory`)
    throw error
  }
  const { fs } = atRoot(d)
  if (!fs) return
  const targets = [{ digest: fs.vertex.digest, index: fs.index }]
  await session.engine.solver.export(session, [fs], { type: "local", dest, targets })
}
