/** The messages of `bridge` (engine/tools/bridge/README.md). Bytes are base64, times are in ms. */

export type Read =
  | { kind: "file"; path: string; offset?: number; length?: number; saveTo?: string }
  | { kind: "dir"; path: string; pattern?: string }
  | { kind: "stat"; path: string; noFollow?: boolean }

export interface Stat {
  name: string
  type: "file" | "dir" | "symlink" | "fifo" | "socket" | "char" | "block"
  mode: number
  size: number
  uid: number
  gid: number
  mtimeNs: number
  link?: string
}

/** One answer per read, told apart by which field is there. */
export interface ReadResult {
  data?: string
  size?: number
  entries?: Stat[]
  stat?: Stat
  error?: string
  code?: "ENOENT" | "ENOTDIR" | "EISDIR" | "EACCES" | "ELOOP" | "EIO"
}

export interface OpMetadata {
  customName?: string
  ignoreCache?: boolean
  description?: Record<string, string>
  exportCache?: boolean
}

export type RegistryAuth = Record<string, { username: string; password: string }>

export interface SolveParams {
  /** Marshalled pb.Op messages, inputs before users. */
  ops: string[]
  metadata?: Record<string, OpMetadata>
  targets: { digest: string; index: number; reads?: Read[] }[]
  watch?: { digest: string; indexes: number[] }[]
  locals?: Record<string, { root: string; entries: string } | { dir: string }>
  ociLayouts?: Record<string, string>
  secrets?: Record<string, string>
  registryAuth?: RegistryAuth
  entitlements?: string[]
  logs?: boolean
}

export interface SolveResult {
  executed: string[]
  cached: string[]
  targets: { reads: ReadResult[] }[]
}

export interface VertexEvent {
  digest: string
  name: string
  inputs: string[]
  started?: number
  completed?: number
  cached: boolean
  error?: string
}

export type SolveEvent =
  | { vertex: VertexEvent; log?: undefined }
  | { log: { digest: string; stream: 1 | 2; data: string }; vertex?: undefined }

export interface ExportParams extends Omit<SolveParams, "targets"> {
  targets?: { digest: string; index: number }[]
  type: "local" | "tar" | "oci" | "docker" | "image"
  dest?: string
  attrs?: Record<string, string>
  imageConfig?: string
  platforms?: { platform: string; digest: string; index: number; imageConfig: string }[]
}

export interface ExportResult {
  executed: string[]
  cached: string[]
  metadata: Record<string, string>
}

export interface ResolveImageParams {
  ref: string
  ociLayout?: string
  platform?: string
  registryAuth?: RegistryAuth
  mode?: "default" | "pull" | "local"
}

export interface ResolvedImage {
  digest: string
  ref: string
  config: string
}

export interface Connected {
  version: string
  platforms: string[]
  workers: { id: string; platforms: string[]; labels: Record<string, string> }[]
}

export interface ServiceParams extends SolveParams {
  mounts: ServiceMount[]
  args: string[]
  env: string[]
  cwd: string
  user?: string
  network?: "host" | "none" | "sandbox"
  secretEnv?: { id: string; name: string; optional?: boolean }[]
}

export interface ServiceMount {
  dest: string
  target?: number
  selector?: string
  readonly?: boolean
  tmpfs?: { size?: number }
  cache?: { id: string; sharing: "SHARED" | "PRIVATE" | "LOCKED" }
  secret?: { id: string; uid?: number; gid?: number; mode?: number }
}

export interface ServiceResult {
  exitCode: number
  message?: string
  setup?: boolean
  /** The last 100 KiB; `null`: nothing was written. */
  stdoutTail?: string | null
  stderrTail?: string | null
}

/** One of these fields; steps that are made first are told of as in a solve. */
export interface ServiceEvent {
  started?: true
  ready?: { address: string }
  /** What its health check said the last time; it still runs. */
  unhealthy?: { exitCode: number; stdout: string | null; stderr: string | null }
  log?: { digest?: string; stream: 1 | 2; data: string }
  vertex?: VertexEvent
}

export interface TerminalParams extends ServiceParams {
  rows?: number
  cols?: number
}

export interface TerminalResult {
  exitCode: number
}

/** One of these fields; steps that are made first are told of as in a solve. */
export interface TerminalEvent {
  started?: true
  /** To be shown. */
  data?: string
  vertex?: VertexEvent
  log?: { digest: string; stream: 1 | 2; data: string }
}

/** What happens at the other end of a terminal. */
export interface TerminalMove {
  /** Was typed. */
  data?: string
  /** Nothing more will be. */
  eof?: true
  rows?: number
  cols?: number
  /** Bytes of output that were taken. */
  seen?: number
}

export interface PruneParams {
  all?: boolean
  keepBytes?: number
  maxBytes?: number
  minFreeBytes?: number
  keepMs?: number
  filter?: string[]
}

export interface DiskUsage {
  bytes: number
  reclaimable: number
  records: {
    id: string
    type: string
    bytes: number
    inUse: boolean
    shared: boolean
    mutable: boolean
    description: string
    created: number
    lastUsed: number
    usageCount: number
  }[]
}

export type BridgeErrorCode =
  | "EXEC"
  | "SOLVE"
  | "CHANGED"
  | "NOT_FOUND"
  | "DENIED"
  | "NETWORK"
  | "DISK_FULL"
  | "CANCELED"
  | "UNAVAILABLE"
  | "INVALID"
  | "INTERNAL"

/** The error object of an answer. */
export interface BridgeFailure {
  code: BridgeErrorCode
  message: string
  vertex?: string
  path?: string
  exitCode?: number
  setup?: boolean
  stdoutTail?: string
  stderrTail?: string
  stdoutBytes?: number
  stderrBytes?: number
}
