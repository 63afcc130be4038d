import { copy, edit, mkdir, type Owner } from "../llb/file.ts"
import { type Fs, fsKey } from "../llb/vertex.ts"
import { type PlaceArgs, resolvePath } from "./container.ts"
import { parseOwner } from "./owner.ts"
import type { CacheVolume, Container, Directory, File, Mount, Secret, Sharing } from "./values.ts"

const mounted = (c: Container, mount: Mount): Container => ({
  ...c,
  mounts: [...c.mounts.filter((m) => m.target !== mount.target), mount],
})

const ownedCopy = (source: Directory | null | undefined, owner: Owner): Fs =>
  edit(
    null,
    mkdir("/owned", 0o755, owner),
    source?.fs ? copy("/owned", source.fs, source.path, { contents: true, owner }) : undefined,
  )

/** A tree whose files belong to somebody else needs a copy; one without an owner is mounted as it is. */
function owned(source: Directory, owner?: string | null): { fs: Fs; path: string } {
  const who = parseOwner(owner ?? "")
  return who ? { fs: ownedCopy(source, who), path: "/owned" } : source
}

/**
 * A part of a host directory that may be written to needs a copy: the key of such a mount is its content, and BuildKit
 * does not take that for a part of a tree that the step could change.
 */
function part({ fs, path }: { fs: Fs; path: string }): { fs: Fs; path: string } {
  if (fs?.vertex.attachment?.kind !== "tree" || path === "/") return { fs, path }
  return { fs: edit(null, copy("/part", fs, path)), path: "/part" }
}

export function withMountedDirectory(
  c: Container,
  path: string,
  source: Directory,
  opts: PlaceArgs & { readOnly?: boolean | null },
): Container {
  const whole = owned(source, opts.owner)
  const at = opts.readOnly ? whole : part(whole)
  return mounted(c, {
    type: "dir",
    target: resolvePath(c, path, opts.expand),
    fs: at.fs,
    selector: at.path,
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
    ? { fs: edit(null, copy("/file", source.fs, source.path, { owner })), path: "/file" }
    : part(source)
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
  const sharing = opts.sharing === "SHARED" ? (volume.sharing ?? "SHARED") : opts.sharing
  const owner = parseOwner(opts.owner ?? "")
  const target = resolvePath(c, path, opts.expand)
  // As with Dagger, how a volume is asked for is part of which volume it is.
  const id = JSON.stringify([
    volume.key,
    source ? [fsKey(source.fs), source.path] : null,
    sharing === "SHARED" ? null : sharing,
    opts.owner || null,
  ])
  let seed: Fs = source?.fs ?? null
  let selector = source?.path ?? "/"
  if (owner) {
    seed = ownedCopy(source, owner)
    selector = "/owned"
  }
  return mounted(c, {
    type: "cache",
    target,
    id,
    sharing: sharing ?? "SHARED",
    source: seed,
    selector,
  })
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
