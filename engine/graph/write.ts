import { edit, mkdir, mkfile, type Owner } from "../llb/file.ts"
import type { Fs, Output, Vertex } from "../llb/vertex.ts"
import { join } from "./path.ts"
import { readTree } from "./tree.ts"

const DEFAULT_MODE = 0o644
/** How far back is looked for an earlier write of the same file. */
const FARTHEST = 1000

/** The files that were written by name, so that a second write finds the mode of the first. */
const written = new WeakMap<Vertex, { path: string; mode: number; base: Fs }>()

/** What has to be there before something is made at the path: BuildKit makes no parents. */
export const parents = (path: string) => {
  const parent = join(path, "..")
  return parent === "/" ? undefined : mkdir(parent)
}

/**
 * Writes a file. One that is there keeps its mode, as with Dagger, where that is known without
 * running anything: a file that was written before, or that came from the host.
 */
export function write(fs: Fs, path: string, contents: string, mode = 0, owner?: Owner): Output {
  const asked = mode || DEFAULT_MODE
  const given = asked === DEFAULT_MODE ? (modeOf(fs, path) ?? asked) : asked
  const made = edit(fs, parents(path), mkfile(path, Buffer.from(contents), given, owner))
  written.set(made.vertex, { path, mode: given, base: fs })
  return made
}

function modeOf(fs: Fs, path: string): number | undefined {
  let at = fs
  for (let i = 0; at && i < FARTHEST; i++) {
    const note = written.get(at.vertex)
    if (note?.path === path) return note.mode
    if (!note) break
    at = note.base
  }
  const from = at?.vertex.attachment
  if (from?.kind !== "tree") return undefined
  const { stat } = readTree(from.tree, { kind: "stat", path })
  return stat?.type === "file" ? stat.mode & 0o777 : undefined
}
