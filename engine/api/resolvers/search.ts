import type { Directory, SearchResult } from "../../graph/values.ts"
import type { Session } from "../context.ts"

export interface SearchArgs {
  pattern: string
  paths?: string[] | null
  globs?: string[] | null
  literal?: boolean | null
  multiline?: boolean | null
  dotall?: boolean | null
  insensitive?: boolean | null
  skipIgnored?: boolean | null
  skipHidden?: boolean | null
  filesOnly?: boolean | null
  limit?: number | null
}

/** Looks for text in the files of a directory. */
export async function search(
  session: Session,
  d: Directory,
  args: SearchArgs,
): Promise<SearchResult[]> {
  if (!d.fs) return []
  const given = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null))
  const spec = { op: "search", path: d.path, search: given }
  const found = await session.engine.solver.query<SearchResult[]>(session, spec, { src: d.fs })
  return found.map((row) => ({
    ...row,
    kind: "SearchResult",
    submatches: row.submatches.map((m) => ({ ...m, kind: "SearchSubmatch" })),
  }))
}
