import { createHash } from "node:crypto"
import type { Tree } from "../host/tree.ts"
import { encodeOp } from "./proto.ts"

/** One output of a vertex: a file system that BuildKit can mount, copy from or export. */
export interface Output {
  vertex: Vertex
  index: number
}

/** A file system: the output of a vertex, or `null` for an empty one. */
export type Fs = Output | null

/** What an exec step leaves behind, beside its root file system (output 0). */
export interface ExecOutputs {
  /** Index of the output that holds what the shim recorded: stdout, stderr, combined, exitCode. */
  meta: number
  /** Number of outputs in all. */
  count: number
  /** The command as the user wrote it, for errors. */
  args: string[]
  secrets: StepSecret[]
  /** The step has the machine's own network, for which BuildKit wants to be asked. */
  hostNetwork: boolean
}

/** A secret that a step sees: named in the build definition, handed over only while it runs. */
export interface StepSecret {
  id: string
  plaintext(): Promise<Buffer>
  /**
   * Starts what the value tells of, for as long as the step runs; the answer ends that. The value is
   * needed only by a step that really runs.
   */
  hold?(): Promise<() => void>
}

/** One operation of the build graph, immutable once made. */
export interface Vertex {
  /** The encoded operation. */
  bytes: Buffer
  /** `sha256:…` of `bytes`: how BuildKit names it. */
  digest: string
  /**
   * Hex digest of what the vertex computes. Differs from `digest` in that a host directory counts
   * by its content alone, not by where it was read.
   */
  key: string
  name: string
  inputs: Output[]
  exec?: ExecOutputs
  /** What a session must offer for this source: a host directory, an image layout, access to a registry. */
  attachment?: Attachment
}

export type Attachment =
  | { kind: "tree"; name: string; tree: Tree }
  | { kind: "layout"; name: string; dir: string }
  | { kind: "registry"; auth: Record<string, { username: string; password: string }> }

/** `linux/amd64` or the like: the platform of this machine. */
export const defaultPlatform = `linux/${{ x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch}`

export interface VertexOptions {
  name: string
  inputs?: Output[]
  /** Replaces the operation's own bytes in the content key. */
  contentKey?: string
  exec?: ExecOutputs
  attachment?: Attachment
  /** Other than this machine's: `linux/arm64`. */
  platform?: string
}

/** Makes a vertex from an operation, as in BuildKit's `pb.Op`, without its inputs and platform. */
export function vertex(op: object, options: VertexOptions): Vertex {
  const inputs = options.inputs ?? []
  // The parts of a message one after the other are the message: what is done is encoded once.
  const own = encodeOp(op)
  const before = encodeOp({
    inputs: inputs.map((i) => ({
      digest: i.vertex.digest,
      ...(i.index > 0 && { index: i.index }),
    })),
  })
  const bytes = Buffer.concat([before, own, placement(options.platform ?? defaultPlatform)])
  const key = createHash("sha256").update(options.contentKey ?? own)
  for (const input of inputs) key.update(`\0${input.vertex.key}:${input.index}`)
  return {
    bytes,
    digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
    key: key.digest("hex"),
    name: options.name,
    inputs,
    ...(options.exec && { exec: options.exec }),
    ...(options.attachment && { attachment: options.attachment }),
  }
}

const placements = new Map<string, Buffer>()

/** Where an operation is made: the end of its message. */
function placement(platform: string): Buffer {
  let known = placements.get(platform)
  if (!known) {
    const [OS, Architecture, Variant] = platform.split("/")
    const where = { OS, Architecture, ...(Variant && { Variant }) }
    known = encodeOp({ platform: where, constraints: {} })
    placements.set(platform, known)
  }
  return known
}

/** The content key of a file system. */
export const fsKey = (fs: Fs): string => (fs ? `${fs.vertex.key}:${fs.index}` : "scratch")

/** Every vertex that the outputs need, each after its inputs. */
export function closure(outputs: Iterable<Output>): Vertex[] {
  const seen = new Set<Vertex>()
  // An explicit stack: chains of thousands of steps are legal.
  const stack: { vertex: Vertex; done: boolean }[] = [...outputs].map((o) => ({
    vertex: o.vertex,
    done: false,
  }))
  const order: Vertex[] = []
  while (stack.length > 0) {
    const top = stack[stack.length - 1] as { vertex: Vertex; done: boolean }
    if (seen.has(top.vertex)) {
      stack.pop()
    } else if (top.done) {
      seen.add(top.vertex)
      order.push(top.vertex)
      stack.pop()
    } else {
      top.done = true
      for (const input of top.vertex.inputs) {
        if (!seen.has(input.vertex)) stack.push({ vertex: input.vertex, done: false })
      }
    }
  }
  const digests = new Set<string>()
  return order.filter((v) => !digests.has(v.digest) && digests.add(v.digest))
}
