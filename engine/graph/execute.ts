import { type ExecMount, type ExecSpec, exec } from "../llb/exec.ts"
import type { Output, StepSecret } from "../llb/vertex.ts"
import { unsupported } from "./directory.ts"
import { EngineError } from "./errors.ts"
import { expandIn } from "./expand.ts"
import { inContainer, isWithin } from "./path.ts"
import type { Binding, Container, Mount } from "./values.ts"

export interface ExecArgs {
  args: string[]
  useEntrypoint?: boolean | null
  stdin?: string | null
  redirectStdin?: string | null
  redirectStdout?: string | null
  redirectStderr?: string | null
  expect?: "SUCCESS" | "FAILURE" | "ANY" | null
  expand?: boolean | null
  experimentalPrivilegedNesting?: boolean | null
  insecureRootCapabilities?: boolean | null
}

/** What the machine, not the container, gives to every step. */
export interface StepSupport {
  shim: Output
  /** Certificates of the site: seen by steps, never part of a key or an image. */
  ca?: () => Promise<Buffer>
  /** BuildKit is our own, and lets steps have the machine's network. */
  hostNetwork?: boolean
  /** Where names are looked up by steps that have not the machine's network. */
  resolver?: () => Promise<Buffer>
  /** The addresses of services, as a file of hosts. */
  hosts?: (bindings: Binding[]) => Promise<StepSecret>
}

const CA_FILE = "/.pyline/ca.pem"
const CA_VARIABLES = [
  "SSL_CERT_FILE",
  "PIP_CERT",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
]

/** Bytes of each stream that are shown while a step runs; the record has all of it. */
const MOST_SHOWN = 16 << 20

/** BuildKit tells steps where to send traces; a step is not to see that. */
const TRACING = [
  "TRACEPARENT",
  "TRACESTATE",
  "OTEL_TRACES_EXPORTER",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
]

/** The command that runs: the arguments, or the defaults, behind the entrypoint where asked. */
export function commandOf(c: Container, opts: ExecArgs): string[] {
  let args = opts.args.length > 0 ? opts.args : (c.config.cmd ?? [])
  if (opts.useEntrypoint && c.config.entrypoint) args = [...c.config.entrypoint, ...args]
  if (args.length === 0) throw new EngineError("no command has been set")
  return args.map((a) => expandIn(c, a, opts.expand))
}

const title = (args: string[]) => {
  const text = args.join(" ").replace(/\s+/g, " ")
  return `exec ${text.length > 120 ? `${text.slice(0, 119)}…` : text}`
}

/** The container after a step. */
export async function withExec(
  c: Container,
  opts: ExecArgs,
  support: StepSupport,
): Promise<Container> {
  const { spec, seen } = await stepOf(c, opts, support)
  const result = exec(spec)
  const { imageRef: _, ...rest } = c
  return {
    ...rest,
    fs: result.root,
    mounts: c.mounts.map((mount) =>
      mount.type === "dir" && seen.includes(mount)
        ? { ...mount, fs: result.mounts[seen.indexOf(mount)] ?? null }
        : mount,
    ),
    lastExec: { vertex: result.vertex, meta: result.meta },
  }
}

/** A command in a container, as it is to be run, and the mounts it sees. */
export async function stepOf(
  c: Container,
  opts: ExecArgs,
  support: StepSupport,
): Promise<{ spec: ExecSpec; seen: Mount[] }> {
  refuse(opts)
  const args = commandOf(c, opts)
  const seen = visible(c.mounts)
  const secrets: StepSecret[] = []
  const secretEnv: { id: string; name: string }[] = []
  const mounts = seen.map((m) => encodeMount(m, secrets))
  const scrubFiles: string[] = []
  const scrubEnv: string[] = []
  for (const mount of seen) if (mount.type === "secret") scrubFiles.push(mount.target)
  for (const { name, secret } of c.secretEnv) {
    secrets.push(secret)
    secretEnv.push({ id: secret.id, name })
    scrubEnv.push(name)
  }
  for (const { name, value } of c.volatileEnv) {
    const id = `volatile:${name}`
    secrets.push({ id, plaintext: async () => Buffer.from(value) })
    secretEnv.push({ id, name })
  }
  const taken = new Set([...c.config.env.map((e) => e.name), ...secretEnv.map((e) => e.name)])
  if (support.ca) {
    secrets.push({ id: "pyline:ca", plaintext: support.ca })
    mounts.push({ type: "secret", dest: CA_FILE, id: "pyline:ca", mode: 0o444 })
    secrets.push({ id: "pyline:ca-file", plaintext: async () => Buffer.from(CA_FILE) })
    for (const name of CA_VARIABLES) {
      if (!taken.has(name)) secretEnv.push({ id: "pyline:ca-file", name })
    }
  }
  const workdir = inContainer("/", c.config.workdir)
  const secretNames = new Set(secretEnv.map((e) => e.name))
  const path = (p: string | null | undefined) =>
    p ? inContainer(c.config.workdir, expandIn(c, p, opts.expand)) : ""
  const network = await attach(c, support, mounts, secrets)
  const spec: ExecSpec = {
    name: title(args),
    network,
    args,
    env: c.config.env
      .filter((e) => !secretNames.has(e.name))
      .map(({ name, value }) => `${name}=${value}`),
    cwd: "/",
    root: c.fs,
    mounts,
    secretEnv,
    secrets,
    shimFs: support.shim,
    shim: {
      mode: "exec",
      spec: {
        args,
        user: c.config.user,
        workdir,
        keepHome: taken.has("HOME"),
        stdin: opts.stdin ?? "",
        redirectStdin: path(opts.redirectStdin),
        redirectStdout: path(opts.redirectStdout),
        redirectStderr: path(opts.redirectStderr),
        expect: opts.expect ?? "SUCCESS",
        scrubEnv,
        scrubFiles,
        ...(scrubEnv.length + scrubFiles.length > 0 && { scrubEncoded: true }),
        removeEnv: TRACING.filter((name) => !taken.has(name)),
        prepare: [
          { path: workdir, mkdir: true, owner: c.config.user || "0:0" },
          // BuildKit gives everybody leave to write there; Dagger does not.
          ...seen.flatMap((m) => (m.type === "tmp" ? [{ path: m.target, mode: 0o755 }] : [])),
        ],
        // BuildKit leaves the names of volumes out of its keys: here they count.
        caches: seen.filter((m) => m.type === "cache").map((m) => m.id),
        meta: "/.pyline/meta",
        forward: MOST_SHOWN,
      },
    },
  }
  return { spec, seen }
}

/**
 * Gives a container its services: their addresses in /etc/hosts, and the network where they are.
 * Which services these are is in the name of the secret, and so in the key of the step; where they
 * are is not.
 */
async function attach(
  c: Container,
  support: StepSupport,
  mounts: ExecMount[],
  secrets: StepSecret[],
): Promise<"host" | undefined> {
  if (c.bindings.length === 0) return support.hostNetwork ? "host" : undefined
  if (!support.hosts) throw new EngineError(unsupported("withServiceBinding"))
  const hosts = await support.hosts(c.bindings)
  secrets.push(hosts)
  mounts.push({ type: "secret", dest: "/etc/hosts", id: hosts.id, mode: 0o444 })
  useResolver(support, mounts, secrets)
  return undefined
}

/** Names are looked up as this machine does, also from another network. */
export function useResolver(
  support: StepSupport,
  mounts: ExecMount[],
  secrets: StepSecret[],
): void {
  if (!support.resolver) return
  const id = "pyline:resolver"
  secrets.push({ id, plaintext: support.resolver })
  mounts.push({ type: "secret", dest: "/etc/resolv.conf", id, mode: 0o444 })
}

function refuse(opts: ExecArgs): void {
  if (opts.stdin && opts.redirectStdin) {
    throw new EngineError("cannot set both stdin and redirectStdin")
  }
  for (const name of ["experimentalPrivilegedNesting", "insecureRootCapabilities"] as const) {
    if (opts[name]) throw new EngineError(unsupported(`withExec(${name})`))
  }
}

/** Without the mounts that a later one covers. */
const visible = (mounts: Mount[]): Mount[] =>
  mounts.filter((m, i) => !mounts.slice(i + 1).some((later) => isWithin(m.target, later.target)))

function encodeMount(mount: Mount, secrets: StepSecret[]): ExecMount {
  switch (mount.type) {
    case "dir":
      return {
        type: "bind",
        dest: mount.target,
        fs: mount.fs,
        selector: mount.selector,
        readonly: mount.readonly,
      }
    case "cache":
      return {
        type: "cache",
        dest: mount.target,
        id: mount.id,
        sharing: mount.sharing,
        fs: mount.source,
        selector: mount.selector,
      }
    case "tmp":
      return { type: "tmpfs", dest: mount.target, ...(mount.size && { size: mount.size }) }
    case "secret": {
      secrets.push(mount.secret)
      const [uid = "0", gid = uid] = (mount.owner || "0:0").split(":")
      return {
        type: "secret",
        dest: mount.target,
        id: mount.secret.id,
        mode: mount.mode,
        ...(Number(uid) && { uid: Number(uid) }),
        ...(Number(gid) && { gid: Number(gid) }),
      }
    }
  }
}
