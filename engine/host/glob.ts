import { Patterns } from "./patterns.ts"
import type { Tree } from "./tree.ts"

/**
 * The paths of a tree that match a pattern, in byte order; those of directories end in a slash.
 *
 * @throws HostError BAD_PATTERN
 */
export function globTree(tree: Tree, pattern: string): string[] {
  const patterns = new Patterns([pattern])
  return tree.entries
    .filter((e) => patterns.match(e.path))
    .map((e) => (e.type === "dir" ? `${e.path}/` : e.path))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}
