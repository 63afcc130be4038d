import { edit, mkfile } from "./file.ts"
import {
  type ExecOutputs,
  type Fs,
  type Output,
  type StepSecret,
  type Vertex,
  vertex,
} from "./vertex.ts"

const BIND = 0
const SECRET = 1
const CACHE = 3
const TMPFS = 4
const CONTENT_CACHE_ON = 1

/** Whose network a step has. */
const DEFAULT = 0
const HOST = 1
const NONE = 2

export type ExecMount =
  | { type: "bind"; dest: string; fs: Fs; selector?: string; readonly?: boolean }
  | {
      type: "cache"
      dest: string
      id: string
      sharing: "SHARED" | "PRIVATE" | "LOCKED"
      fs: Fs
      selector?: string
    }
  | { type: "tmpfs"; dest: string; size?: number }
  | { type: "secret"; dest: string; id: string; uid?: number; gid?: number; mode?: number }

export interface ExecSpec {
  /** What the shim is asked to do: becomes `/.pyline/spec.json`. */
  shim: { mode: "exec" | "terminal" | "query" | "transform"; spec: object }
  shimFs: Output
  args: string[]
  env: string[]
  cwd: string
  root: Fs
  mounts: ExecMount[]
  secretEnv: { id: string; name: string; optional?: boolean }[]
  /** The machine's own network. Else BuildKit's, which may be one of its own. */
  network?: "host" | undefined
  hosts?: { host: string; ip: string }[]
  hostname?: string
  name: string
  /** All secrets that the step sees, as variables or as files. */
  secrets: StepSecret[]
}

export interface ExecResult {
  vertex: Vertex
  /** The root file system after the step. */
  root: Output
  meta: Output
  /** For each mount of the spec what it holds after the step; unchanged for those that cannot be read. */
  mounts: Fs[]
}

/** Where the engine's own things are mounted in a step; nothing of it stays in the file system. */
export const PRIVATE = "/.pyline"

/**
 * One command in a file system. The first process is the engine's shim, which runs the command
 * and records its output and exit code in an output of its own.
 */
export function exec(spec: ExecSpec): ExecResult {
  const inputs: Output[] = []
  const input = (fs: Fs) => (fs ? inputs.push(fs) - 1 : -1)
  let outputs = 0
  const shimSpec = edit(
    null,
    mkfile("/spec.json", Buffer.from(JSON.stringify(spec.shim.spec)), 0o400),
  )
  const mounts: object[] = [
    { input: input(spec.root), dest: "/", output: outputs++ },
    { input: -1, dest: `${PRIVATE}/meta`, output: outputs++ },
    {
      input: input(spec.shimFs),
      dest: `${PRIVATE}/shim`,
      selector: "/shim",
      output: -1,
      readonly: true,
    },
    {
      input: input(shimSpec),
      dest: `${PRIVATE}/spec.json`,
      selector: "/spec.json",
      output: -1,
      readonly: true,
    },
  ]
  const after: (number | null)[] = []
  for (const mount of spec.mounts) {
    const output = mount.type === "bind" && !mount.readonly ? outputs++ : -1
    after.push(output < 0 ? null : output)
    mounts.push(encodeMount(mount, input, output))
  }
  const meta = {
    args: [`${PRIVATE}/shim`, spec.shim.mode],
    env: spec.env,
    cwd: spec.cwd || "/",
    removeMountStubsRecursive: true,
    ...(spec.hostname && { hostname: spec.hostname }),
    ...(spec.hosts?.length && { extraHosts: spec.hosts.map((h) => ({ Host: h.host, IP: h.ip })) }),
  }
  const outs: ExecOutputs = {
    meta: 1,
    count: outputs,
    args: spec.args,
    secrets: spec.secrets,
    hostNetwork: spec.network === "host",
  }
  const network = spec.shim.mode === "exec" ? (outs.hostNetwork ? HOST : DEFAULT) : NONE
  const secretenv = spec.secretEnv.map(({ id, name, optional }) => ({
    ID: id,
    name,
    ...(optional && { optional }),
  }))
  const made = vertex(
    {
      exec: {
        meta,
        mounts,
        ...(network && { network }),
        ...(secretenv.length > 0 && { secretenv }),
      },
    },
    // Questions and transformations are file operations to everybody else.
    { name: spec.name, inputs, ...(spec.shim.mode === "exec" && { exec: outs }) },
  )
  return {
    vertex: made,
    root: { vertex: made, index: 0 },
    meta: { vertex: made, index: 1 },
    mounts: spec.mounts.map((mount, i) => {
      const index = after[i] ?? null
      return index === null ? ("fs" in mount ? mount.fs : null) : { vertex: made, index }
    }),
  }
}

function encodeMount(mount: ExecMount, input: (fs: Fs) => number, output: number): object {
  switch (mount.type) {
    case "bind":
      return {
        input: input(mount.fs),
        dest: mount.dest,
        output,
        mountType: BIND,
        ...(mount.selector && mount.selector !== "/" && { selector: mount.selector }),
        ...(mount.readonly && { readonly: true }),
        // A host directory has a new identity in each session: only its content can be a key.
        ...(mount.fs?.vertex.attachment?.kind === "tree" && { contentCache: CONTENT_CACHE_ON }),
      }
    case "cache":
      return {
        input: input(mount.fs),
        dest: mount.dest,
        output: -1,
        mountType: CACHE,
        ...(mount.selector && mount.selector !== "/" && { selector: mount.selector }),
        cacheOpt: {
          ID: mount.id,
          sharing: { SHARED: 0, PRIVATE: 1, LOCKED: 2 }[mount.sharing],
        },
      }
    case "tmpfs":
      return {
        input: -1,
        dest: mount.dest,
        output: -1,
        mountType: TMPFS,
        TmpfsOpt: { ...(mount.size && { size: mount.size }) },
      }
    case "secret":
      return {
        input: -1,
        dest: mount.dest,
        output: -1,
        mountType: SECRET,
        secretOpt: {
          ID: mount.id,
          mode: mount.mode ?? 0o400,
          ...(mount.uid && { uid: mount.uid }),
          ...(mount.gid && { gid: mount.gid }),
        },
      }
  }
}
