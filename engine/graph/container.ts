import { edit, rm, symlink } from "../llb/file.ts"
import type { Fs } from "../llb/vertex.ts"
import { empty, place, placeFile } from "./directory.ts"
import { EngineError } from "./errors.ts"
import { expandIn } from "./expand.ts"
import { parseOwner } from "./owner.ts"
import { basename, inContainer, isWithin, join } from "./path.ts"
import type { Config, Container, Directory, File, Mount, Pair } from "./values.ts"
import { parents, write } from "./write.ts"

export function scratch(platform: string): Container {
  return {
    kind: "Container",
    platform,
    fs: null,
    config: {
      env: [],
      workdir: "",
      user: "",
      entrypoint: null,
      cmd: null,
      labels: [],
      annotations: [],
      ports: [],
      rest: {},
    },
    mounts: [],
    secretEnv: [],
    volatileEnv: [],
    registryAuth: [],
    bindings: [],
  }
}

export const setPair = (pairs: readonly Pair[], name: string, value: string): Pair[] =>
  pairs.some((p) => p.name === name)
    ? pairs.map((p) => (p.name === name ? { name, value } : p))
    : [...pairs, { name, value }]

export const dropPair = (pairs: readonly Pair[], name: string): Pair[] =>
  pairs.filter((p) => p.name !== name)

/** Configuration is part of an image: what changed is no longer the image that was pulled. */
export function configure(c: Container, change: Partial<Config>): Container {
  const { imageRef: _, ...rest } = c
  return { ...rest, config: { ...c.config, ...change } }
}

export const resolvePath = (c: Container, path: string, expand?: boolean | null): string =>
  inContainer(c.config.workdir, expandIn(c, path, expand))

/** Where a path of the container really is: in a mount, or in the root file system. */
interface Place {
  fs: Fs
  path: string
  mount?: Extract<Mount, { type: "dir" }>
}

function locate(c: Container, path: string, what: string): Place {
  // The last mount on a path hides those before it.
  for (const mount of [...c.mounts].reverse()) {
    if (!isWithin(path, mount.target)) continue
    if (mount.type === "dir") {
      const rest = path.slice(mount.target === "/" ? 0 : mount.target.length)
      return { fs: mount.fs, path: join(mount.selector, rest), mount }
    }
    const kind = { cache: "cache", tmp: "tmpfs", secret: "secret" }[mount.type]
    throw new EngineError(`${what} ${path}: cannot retrieve path from ${kind}`)
  }
  return { fs: c.fs, path }
}

/** Changes the file system that holds `path`. */
function change(c: Container, path: string, edit: (fs: Fs, path: string) => Fs): Container {
  const at = locate(c, path, "write")
  const fs = edit(at.fs, at.path)
  if (!at.mount) return { ...c, fs }
  return { ...c, mounts: c.mounts.map((m) => (m === at.mount ? { ...at.mount, fs } : m)) }
}

export interface PlaceArgs {
  owner?: string | null
  permissions?: number | null
  expand?: boolean | null
}

export function withNewFile(
  c: Container,
  path: string,
  contents: string,
  opts: PlaceArgs,
): Container {
  return change(c, resolvePath(c, path, opts.expand), (fs, target) =>
    write(fs, target, contents, opts.permissions ?? 0, parseOwner(opts.owner ?? "")),
  )
}

export function withSymlink(c: Container, target: string, linkName: string): Container {
  return change(c, resolvePath(c, linkName), (fs, at) => edit(fs, parents(at), symlink(target, at)))
}

export function withDirectory(
  c: Container,
  path: string,
  source: Directory,
  opts: PlaceArgs & {
    include?: string[] | null
    exclude?: string[] | null
    gitignore?: boolean | null
  },
): Container {
  // Real Dagger ignores `permissions` here.
  const { permissions: _, ...rest } = opts
  return change(c, resolvePath(c, path, opts.expand), (fs, target) =>
    place(fs, target, source, rest),
  )
}

export function withFile(c: Container, path: string, source: File, opts: PlaceArgs): Container {
  const target = resolvePath(c, path, opts.expand)
  const into = path.endsWith("/") ? join(target, basename(source.path)) : target
  return change(c, into, (fs, at) => placeFile(fs, at, source, opts))
}

export function without(c: Container, path: string, opts: PlaceArgs): Container {
  return change(c, resolvePath(c, path, opts.expand), (fs, target) =>
    edit(fs, rm(target, /[*?[]/.test(path))),
  )
}

export function directoryOf(c: Container, path: string, expand?: boolean | null): Directory {
  const at = locate(c, resolvePath(c, path, expand), "directory")
  return { kind: "Directory", fs: at.fs, path: at.path }
}

export function fileOf(c: Container, path: string, expand?: boolean | null): File {
  const at = locate(c, resolvePath(c, path, expand), "file")
  return { kind: "File", fs: at.fs, path: at.path }
}

export const rootfs = (c: Container): Directory => ({ kind: "Directory", fs: c.fs, path: "/" })

export function withRootfs(c: Container, root: Directory): Container {
  const { imageRef: _, ...rest } = c
  if (root.path === "/") return { ...rest, fs: root.fs }
  return { ...rest, fs: place(empty().fs, "/", root) }
}
