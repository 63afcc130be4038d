import { readFileSync } from "node:fs"
import path from "node:path"
import type { Fs } from "../llb/vertex.ts"
import { setPair } from "./container.ts"
import { EngineError } from "./errors.ts"
import type { Config, Container, Healthcheck, Pair, Port } from "./values.ts"

/** The configuration of an image, as in the OCI image specification (with Docker's `Healthcheck`). */
export interface ImageConfig {
  Env?: string[] | null
  WorkingDir?: string
  User?: string
  Entrypoint?: string[] | null
  Cmd?: string[] | null
  Labels?: Record<string, string> | null
  ExposedPorts?: Record<string, unknown> | null
  Healthcheck?: ImageHealthcheck | null
  [other: string]: unknown
}

/** Docker's; times in nanoseconds. */
export interface ImageHealthcheck {
  Test?: string[] | null
  Interval?: number
  Timeout?: number
  StartPeriod?: number
  StartInterval?: number
  Retries?: number
}

/** `NAME=value` as an image keeps it. */
export const split = (entry: string): Pair => {
  const at = entry.indexOf("=")
  return at < 0
    ? { name: entry, value: "" }
    : { name: entry.slice(0, at), value: entry.slice(at + 1) }
}

const merged = (pairs: readonly Pair[], more: readonly Pair[]): Pair[] =>
  more.reduce<Pair[]>((all, { name, value }) => setPair(all, name, value), [...pairs])

function parsePort(text: string): Port {
  const [port = "0", protocol = "tcp"] = text.split("/")
  return {
    kind: "Port",
    port: Number(port),
    protocol: protocol.toLowerCase() === "udp" ? "UDP" : "TCP",
    experimentalSkipHealthcheck: false,
  }
}

/** Lays an image under a container: as Dagger does, what the container already had stays. */
export function withImage(c: Container, fs: Fs, image: ImageConfig, imageRef?: string): Container {
  const { Env, WorkingDir, User, Entrypoint, Cmd, Labels, ExposedPorts, Healthcheck, ...rest } =
    image
  const health = readHealthcheck(Healthcheck)
  const config: Config = {
    ...c.config,
    env: merged(c.config.env, (Env ?? []).map(split)),
    workdir: WorkingDir ?? "",
    user: User || c.config.user,
    entrypoint: Entrypoint?.length ? Entrypoint : c.config.entrypoint,
    cmd: Cmd?.length ? Cmd : c.config.cmd,
    labels: merged(
      c.config.labels,
      Object.entries(Labels ?? {}).map(([name, value]) => ({ name, value })),
    ),
    ports: [...c.config.ports, ...Object.keys(ExposedPorts ?? {}).map(parsePort)],
    ...(health && { healthcheck: health }),
    rest: { ...c.config.rest, ...rest },
  }
  const { imageRef: _, ...before } = c
  return { ...before, fs, config, ...(imageRef && { imageRef }) }
}

/** An image's own check; `["NONE"]` and none at all are the same here. */
function readHealthcheck(image: ImageHealthcheck | null | undefined): Healthcheck | undefined {
  const [kind, ...args] = image?.Test ?? []
  if (!image || (kind !== "CMD" && kind !== "CMD-SHELL")) return undefined
  return {
    kind: "HealthcheckConfig",
    args,
    shell: kind === "CMD-SHELL",
    interval: duration(image.Interval),
    timeout: duration(image.Timeout),
    startPeriod: duration(image.StartPeriod),
    startInterval: duration(image.StartInterval),
    retries: image.Retries ?? 0,
  }
}

const duration = (ns = 0): string => (ns > 0 ? `${ns / 1e9}s` : "")

/** Of a duration such as `1m30s`. */
export const nanoseconds = (duration: string): number => {
  const units: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }
  let total = 0
  for (const [, n, unit] of duration.matchAll(/([\d.]+)(ns|us|ms|s|m|h)/g)) {
    total += Number(n) * (units[unit as string] as number)
  }
  return total
}

function healthcheck(h: Healthcheck): object {
  return {
    Test: [h.shell ? "CMD-SHELL" : "CMD", ...h.args],
    ...(h.interval && { Interval: nanoseconds(h.interval) }),
    ...(h.timeout && { Timeout: nanoseconds(h.timeout) }),
    ...(h.startPeriod && { StartPeriod: nanoseconds(h.startPeriod) }),
    ...(h.startInterval && { StartInterval: nanoseconds(h.startInterval) }),
    ...(h.retries && { Retries: h.retries }),
  }
}

/** The container's configuration as an image carries it. */
export function toImageConfig(config: Config): ImageConfig {
  return {
    ...config.rest,
    ...(config.env.length > 0 && { Env: config.env.map((e) => `${e.name}=${e.value}`) }),
    ...(config.workdir && { WorkingDir: config.workdir }),
    ...(config.user && { User: config.user }),
    ...(config.entrypoint && { Entrypoint: config.entrypoint }),
    ...(config.cmd && { Cmd: config.cmd }),
    ...(config.labels.length > 0 && {
      Labels: Object.fromEntries(config.labels.map((l) => [l.name, l.value])),
    }),
    ...(config.ports.length > 0 && {
      ExposedPorts: Object.fromEntries(
        config.ports.map((p) => [`${p.port}/${p.protocol.toLowerCase()}`, {}]),
      ),
    }),
    ...(config.healthcheck && { Healthcheck: healthcheck(config.healthcheck) }),
  }
}

/** The image document of the OCI image specification; the layers are filled in when it is written. */
export function imageDocument(c: Container): Buffer {
  const [os, architecture, variant] = c.platform.split("/")
  return Buffer.from(
    JSON.stringify({
      architecture,
      ...(variant && { variant }),
      os,
      config: toImageConfig(c.config),
      rootfs: { type: "layers", diff_ids: [] },
      history: [],
    }),
  )
}

interface Descriptor {
  digest: string
  platform?: { os?: string; architecture?: string; variant?: string }
}

const blob = (dir: string, digest: string): unknown =>
  JSON.parse(readFileSync(path.join(dir, "blobs", ...digest.split(":")), "utf8"))

/** Reads the configuration of an image in an OCI image layout. Throws when a file of it is missing. */
export function readLayoutConfig(dir: string, digest: string): ImageConfig {
  const manifest = blob(dir, digest) as { config: { digest: string } }
  const image = blob(dir, manifest.config.digest) as { config?: ImageConfig }
  return image.config ?? {}
}

/** The image in an OCI image layout; of several, the one for the platform. */
export function readLayout(dir: string, platform: string): { digest: string; config: ImageConfig } {
  let found = JSON.parse(readFileSync(path.join(dir, "index.json"), "utf8"))
  for (let depth = 0; depth < 4 && found.manifests; depth++) {
    const list = found.manifests as Descriptor[]
    const fits = ({ platform: p }: Descriptor) =>
      p && [p.os, p.architecture, p.variant].filter(Boolean).join("/") === platform
    const chosen = list.find(fits) ?? list.find((d) => !d.platform)
    if (!chosen) throw new EngineError(`the archive holds no image for ${platform}`)
    found = blob(dir, chosen.digest)
    if (found.config) return { digest: chosen.digest, config: readLayoutConfig(dir, chosen.digest) }
  }
  throw new EngineError("the archive holds no image")
}
