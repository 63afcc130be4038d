import { createHash } from "node:crypto"
import type { Tree } from "../host/tree.ts"
import type { Fs, Output, Vertex } from "../llb/vertex.ts"

/** A directory: a place in a file system that may not have been made yet. */
export interface Directory {
  kind: "Directory"
  fs: Fs
  /** Absolute and clean, within `fs`. */
  path: string
  /** Present when the directory is just what was read from the host: then filters need no engine. */
  tree?: Tree
  /** Refused when used, with this text. */
  error?: string
}

export interface File {
  kind: "File"
  fs: Fs
  path: string
  tree?: Tree
}

export interface Secret {
  kind: "Secret"
  /** Stands for the secret in build definitions, and so in cache keys. */
  id: string
  /** Empty for a secret that came by URI. */
  name: string
  /** Empty for a secret that was set. */
  uri: string
  /** Tells apart what was set under one name; each call of `setSecret` makes another secret. */
  version: string
  plaintext(): Promise<Buffer>
}

export type Sharing = "SHARED" | "PRIVATE" | "LOCKED"

export interface CacheVolume {
  kind: "CacheVolume"
  key: string
  source?: Directory
  sharing?: Sharing
  owner: string
}

export interface Pair {
  name: string
  value: string
}

export interface EnvVariable extends Pair {
  kind: "EnvVariable"
}

export interface Label extends Pair {
  kind: "Label"
}

export interface Port {
  kind: "Port"
  port: number
  protocol: "TCP" | "UDP"
  description?: string | undefined
  experimentalSkipHealthcheck: boolean
}

export interface Stat {
  kind: "Stat"
  name: string
  size: number
  permissions: number
  fileType: "REGULAR" | "DIRECTORY" | "SYMLINK" | "UNKNOWN"
}

export interface Healthcheck {
  kind: "HealthcheckConfig"
  args: string[]
  shell: boolean
  interval: string
  timeout: string
  startPeriod: string
  startInterval: string
  retries: number
}

export type Mount =
  | { type: "dir"; target: string; fs: Fs; selector: string; readonly: boolean; file: boolean }
  | { type: "cache"; target: string; id: string; sharing: Sharing; source: Fs; selector: string }
  | { type: "tmp"; target: string; size?: number | undefined }
  | { type: "secret"; target: string; secret: Secret; mode: number; owner: string }

/** The part of an OCI image configuration that steps and images take from a container. */
export interface Config {
  env: Pair[]
  workdir: string
  user: string
  /** `null`: none. */
  entrypoint: string[] | null
  cmd: string[] | null
  /** Default arguments were given by name: a service then runs them without the entrypoint. */
  ownArgs?: boolean
  labels: Pair[]
  annotations: Pair[]
  ports: Port[]
  healthcheck?: Healthcheck
  /** What else the base image said, kept as it is: stop signal, volumes and the like. */
  rest: Record<string, unknown>
}

export interface Container {
  kind: "Container"
  platform: string
  fs: Fs
  config: Config
  mounts: Mount[]
  secretEnv: { name: string; secret: Secret }[]
  volatileEnv: Pair[]
  registryAuth: { address: string; username: string; secret: Secret }[]
  bindings: Binding[]
  /** `name@sha256:…` of the image the root file system still is. */
  imageRef?: string
  /** The last step, whose output `stdout` and the like give. */
  lastExec?: LastExec
  error?: string
}

export interface LastExec {
  vertex: Vertex
  meta: Output
}

/** A service, and the name under which steps find it. */
export interface Binding {
  alias: string
  service: Service
}

/** What answers on ports: a container, a way from this machine to a service, or the other way round. */
export interface Service {
  kind: "Service"
  from:
    | { type: "container"; container: Container; args: string[] }
    | { type: "tunnel"; service: Service; ports: PortForward[]; native: boolean }
    | { type: "host"; host: string; ports: PortForward[] }
  /** Chosen by the user; "": one that is made of what the service is. */
  hostname: string
}

export interface PortForward {
  backend: number
  /** Where it answers; 0 or nothing: the same port, or any for a tunnel. */
  frontend?: number | null
  protocol?: "TCP" | "UDP" | null
}

/** What one directory has that another has not, and the other way round. */
export interface Changeset {
  kind: "Changeset"
  before: Directory
  after: Directory
}

export interface EnvFile {
  kind: "EnvFile"
  variables: Pair[]
}

/** A message with named values, as a module would return it. */
export interface ErrorNote {
  kind: "Error"
  message: string
  values: ErrorValue[]
}

export interface ErrorValue {
  kind: "ErrorValue"
  name: string
  value: string
}

export interface SearchSubmatch {
  kind: "SearchSubmatch"
  text: string
  start: number
  end: number
}

export interface SearchResult {
  kind: "SearchResult"
  filePath: string
  lineNumber: number
  absoluteOffset: number
  matchedLines: string
  submatches: SearchSubmatch[]
}

export interface Host {
  kind: "Host"
}

export type Value =
  | Directory
  | File
  | Secret
  | CacheVolume
  | EnvVariable
  | Label
  | Port
  | Stat
  | Healthcheck
  | Container
  | Service
  | Changeset
  | EnvFile
  | SearchResult
  | SearchSubmatch
  | ErrorNote
  | ErrorValue
  | Host

/** An id that values share exactly when they mean the same. */
export function identify(value: Value): string {
  const text = JSON.stringify(value, (_, part) => {
    if (typeof part !== "object" || part === null) return part
    if ("inputs" in part && "key" in part) return part.key
    if ("entries" in part && "root" in part) return [part.root, part.digest]
    return part
  })
  return `${value.kind}:${createHash("sha256").update(text).digest("hex").slice(0, 40)}`
}
