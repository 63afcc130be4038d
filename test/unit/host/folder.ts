import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"
import type { Tree } from "../../../engine/host/tree.ts"

// Modes are compared.
process.umask(0o022)

/**
 * A folder for one test, removed at its end. Keys are paths: one that ends in "/" is a directory,
 * contents that begin with "-> " make a symbolic link.
 */
export function folder(files: Record<string, string> = {}): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "pyline-host-")))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, contents] of Object.entries(files)) {
    const at = join(root, path)
    mkdirSync(path.endsWith("/") ? at : dirname(at), { recursive: true })
    if (contents.startsWith("-> ")) symlinkSync(contents.slice(3), at)
    else if (!path.endsWith("/")) writeFileSync(at, contents)
  }
  return root
}

/** Paths of a tree as Dagger's glob shows them: directories with "/" at the end, sorted. */
export const paths = (tree: Tree): string[] =>
  tree.entries.map((e) => (e.type === "dir" ? `${e.path}/` : e.path)).sort()
