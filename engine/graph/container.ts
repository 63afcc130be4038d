import { copy, mkdir, mkfile, rm, symlink } from "../llb/file.ts"
import type { Fs } from "../llb/vertex.ts"
import { empty, parents, place, placeFile } from "./directory.ts"
import { EngineError } from "./errors.ts"
import { expand as expandText } from "./execute.ts"
import { parseOwner } from "./owner.ts"
import { basename, inContainer, isWithin, join } from "./path.ts"
import type {
  CacheVolume,
  Config,
  Container,
  Directory,
  File,
  Mount,
  Pair,
  Secret,
  Sharing,
} from "./values.ts"

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
  inContainer(c.config.workdir, expand ? expandText(path, c.config.env) : path)

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

interface PlaceArgs {
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
    mkfile(
      parents(fs, target),
      target,
      Buffer.from(contents),
      opts.permissions || 0o644,
      parseOwner(opts.owner ?? ""),
    ),
  )
}

export function withSymlink(c: Container, target: string, linkName: string): Container {
  return change(c, resolvePath(c, linkName), (fs, at) => symlink(parents(fs, at), target, at))
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
    rm(fs, target, /[*?[]/.test(path)),
  )
}

const mounted = (c: Container, mount: Mount): Container => ({
  ...c,
  mounts: [...c.mounts.filter((m) => m.target !== mount.target), mount],
})

/** A tree whose files belong to somebody else needs a copy; one without an owner is mounted as it is. */
function owned(source: Directory, owner?: string | null): { fs: Fs; selector: string } {
  const who = parseOwner(owner ?? "")
  if (!who) return { fs: source.fs, selector: source.path }
  const base = mkdir(null, "/owned", 0o755, who)
  if (!source.fs) return { fs: base, selector: "/owned" }
  return {
    fs: copy(base, "/owned", source.fs, source.path, { contents: true, owner: who }),
    selector: "/owned",
  }
}

export function withMountedDirectory(
  c: Container,
  path: string,
  source: Directory,
  opts: PlaceArgs & { readOnly?: boolean | null },
): Container {
  const { fs, selector } = owned(source, opts.owner)
  return mounted(c, {
    type: "dir",
    target: resolvePath(c, path, opts.expand),
    fs,
    selector,
    readonly: !!opts.readOnly,
    file: false,
  })
}

export function withMountedFile(
  c: Container,
  path: string,
  source: File,
  opts: PlaceArgs,
): Container {
  const owner = parseOwner(opts.owner ?? "")
  const at = owner
    ? { fs: copy(null, "/file", source.fs, source.path, { owner }), path: "/file" }
    : { fs: source.fs, path: source.path }
  return mounted(c, {
    type: "dir",
    target: resolvePath(c, path, opts.expand),
    fs: at.fs,
    selector: at.path,
    readonly: false,
    file: true,
  })
}

export function withMountedCache(
  c: Container,
  path: string,
  volume: CacheVolume,
  opts: PlaceArgs & { source?: Directory | null; sharing?: Sharing | null },
): Container {
  const source = opts.source ?? volume.source
  const sharing = opts.sharing ?? volume.sharing
  const owner = parseOwner(opts.owner || volume.owner)
  const target = resolvePath(c, path, opts.expand)
  // As recorded: how a volume is asked for is part of which volume it is.
  const id = JSON.stringify([
    volume.key,
    source ? [source.fs?.vertex.key, source.path] : null,
    opts.sharing ?? null,
    opts.owner || volume.owner || null,
  ])
  const seed: Fs = owner
    ? copy(mkdir(null, "/", 0o755, owner), "/", source?.fs ?? null, source?.path ?? "/", {
        contents: true,
        owner,
      })
    : source
      ? source.path === "/"
        ? source.fs
        : place(null, "/", source)
      : null
  return mounted(c, { type: "cache", target, id, sharing: sharing ?? "SHARED", source: seed })
}

export function withMountedTemp(
  c: Container,
  path: string,
  opts: { size?: number | null; expand?: boolean | null },
): Container {
  return mounted(c, {
    type: "tmp",
    target: resolvePath(c, path, opts.expand),
    size: opts.size ?? undefined,
  })
}

export function withMountedSecret(
  c: Container,
  path: string,
  secret: Secret,
  opts: { owner?: string | null; mode?: number | null; expand?: boolean | null },
): Container {
  return mounted(c, {
    type: "secret",
    target: resolvePath(c, path, opts.expand),
    secret,
    mode: opts.mode ?? 0o400,
    owner: opts.owner ?? "",
  })
}

export function withoutMount(c: Container, path: string, expand?: boolean | null): Container {
  const target = resolvePath(c, path, expand)
  return { ...c, mounts: c.mounts.filter((m) => m.target !== target) }
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
