import { withNewFile, without } from "../graph/directory.ts"
import { applyPatch, parsePatch } from "../graph/patch.ts"
import { join } from "../graph/path.ts"
import type { Directory } from "../graph/values.ts"
import type { Session } from "./context.ts"
import { lookup, readFile } from "./read.ts"

/** The directory with a patch applied to it. */
export async function patched(session: Session, d: Directory, text: string): Promise<Directory> {
  let result = d
  for (const patch of parsePatch(text)) {
    const { from, to } = patch
    const at = from === null ? null : join(d.path, from)
    const before = at === null ? null : await lookup(session, d, at, true)
    const contents =
      at === null || !before
        ? ""
        : (await readFile(session, { ...d, kind: "File", path: at })).toString()
    const after = applyPatch(contents, patch)
    if (from !== null && from !== to) result = without(result, from, false)
    if (to !== null) result = withNewFile(result, to, after, (before?.mode ?? 0o644) & 0o777)
  }
  return result
}
