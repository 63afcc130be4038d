import type { Tree } from "../host/tree.ts"
import { type Output, vertex } from "./vertex.ts"

/**
 * A host directory, uploaded by the session that solves. `hint` lets BuildKit send only what
 * changed since the last upload with the same hint.
 */
export function localTree(tree: Tree, hint: string, label: string): Output {
  const name = `tree-${tree.digest.slice(7)}`
  const attrs = { "local.sharedkeyhint": hint, "local.differ": "metadata" }
  return {
    vertex: vertex(
      { source: { identifier: `local://${name}`, attrs } },
      {
        name: `upload ${label}`,
        contentKey: `tree:${tree.digest}`,
        attachment: { kind: "tree", name, tree },
      },
    ),
    index: 0,
  }
}

/** An image in an OCI layout on this machine. */
export function ociLayout(dir: string, digest: string, label: string): Output {
  const name = `layout-${digest.slice(7, 31)}`
  return {
    vertex: vertex(
      {
        source: {
          identifier: `oci-layout://pyline.local/${name}@${digest}`,
          attrs: { "oci.store": name },
        },
      },
      {
        name: `image ${label}`,
        contentKey: `image:${digest}`,
        attachment: { kind: "layout", name, dir },
      },
    ),
    index: 0,
  }
}

/** An image in a registry, pinned by digest. Who may pull it is no part of what it is. */
export function registryImage(
  ref: string,
  digest: string,
  platform: string,
  auth: Record<string, { username: string; password: string }> = {},
): Output {
  return {
    vertex: vertex(
      { source: { identifier: `docker-image://${ref}@${digest}` } },
      {
        name: `pull ${ref}`,
        contentKey: `image:${digest} ${platform}`,
        platform,
        attachment: { kind: "registry", auth },
      },
    ),
    index: 0,
  }
}
