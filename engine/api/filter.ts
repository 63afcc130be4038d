import type { Filter } from "../graph/directory.ts"
import type { Directory } from "../graph/values.ts"
import type { Session } from "./context.ts"

/** Patterns take characters that a file name may have. */
export const literal = (name: string): string => name.replace(/[\\*?[\]!]/g, "\\$&")

/**
 * The filter with `gitignore` as patterns, unless the directory is one that was read from the host:
 * there the engine knows the .gitignore files itself.
 */
export async function resolveFilter<F extends Filter>(
  session: Session,
  d: Directory,
  filter: F,
): Promise<F> {
  if (!filter.gitignore || !d.fs || (d.tree && d.path === "/")) return filter
  // Of the whole tree: what a .gitignore above the directory says counts in it too.
  const spec = { op: "gitignored" }
  const ignored = await session.engine.solver.query<string[]>(session, spec, { src: d.fs })
  const above = d.path === "/" ? "" : `${d.path.slice(1)}/`
  const patterns = ignored.flatMap((p) => {
    if (above !== "" && p.endsWith("/") && above.startsWith(p)) return ["**"]
    return p.startsWith(above) ? [literal(p.slice(above.length).replace(/\/$/, ""))] : []
  })
  return { ...filter, exclude: [...(filter.exclude ?? []), ...patterns], gitignore: false }
}
