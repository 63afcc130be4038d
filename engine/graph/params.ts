import type { ServiceParams } from "../buildkit/bridge-protocol.ts"
import { type ExecSpec, PRIVATE } from "../llb/exec.ts"
import { edit, mkfile } from "../llb/file.ts"
import type { Fs } from "../llb/vertex.ts"

/**
 * A step as something that runs beside the steps and leaves nothing: the file systems that it needs, and all else that the
 * bridge wants to know of it. `more` is for its shim.
 */
export function toParams(
  spec: ExecSpec,
  more: object,
): { targets: Fs[]; params: Omit<ServiceParams, "ops" | "targets"> } {
  const targets: Fs[] = []
  const target = (fs: Fs) => targets.push(fs) - 1
  const text = JSON.stringify({ ...spec.shim.spec, meta: "", ...more })
  const shimSpec = edit(null, mkfile("/spec.json", Buffer.from(text), 0o400))
  const mounts: ServiceParams["mounts"] = [
    { dest: "/", target: target(spec.root) },
    {
      dest: `${PRIVATE}/shim`,
      target: target(spec.shimFs),
      selector: "/shim",
      readonly: true,
    },
    {
      dest: `${PRIVATE}/spec.json`,
      target: target(shimSpec),
      selector: "/spec.json",
      readonly: true,
    },
  ]
  for (const m of spec.mounts) {
    const { dest } = m
    switch (m.type) {
      case "bind":
        mounts.push({
          dest,
          target: target(m.fs),
          ...(m.selector && m.selector !== "/" && { selector: m.selector }),
          ...(m.readonly && { readonly: true }),
        })
        break
      case "cache":
        mounts.push({
          dest,
          cache: { id: m.id, sharing: m.sharing },
          ...(m.fs && { target: target(m.fs) }),
          ...(m.selector && m.selector !== "/" && { selector: m.selector }),
        })
        break
      case "tmpfs":
        mounts.push({ dest, tmpfs: { ...(m.size && { size: m.size }) } })
        break
      case "secret": {
        const { id, uid, gid, mode } = m
        const owner = { ...(uid && { uid }), ...(gid && { gid }) }
        mounts.push({ dest, secret: { id, mode: mode ?? 0o400, ...owner } })
      }
    }
  }
  return {
    targets,
    params: {
      mounts,
      args: [`${PRIVATE}/shim`, spec.shim.mode],
      env: spec.env,
      cwd: spec.cwd,
      secretEnv: spec.secretEnv,
      network: spec.network ?? "sandbox",
    },
  }
}
