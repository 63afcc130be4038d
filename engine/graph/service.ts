import { createHash } from "node:crypto"
import { type ExecSpec, exec } from "../llb/exec.ts"
import { unsupported } from "./directory.ts"
import { EngineError } from "./errors.ts"
import { commandOf, type ExecArgs, type StepSupport, stepOf, useResolver } from "./execute.ts"
import { nanoseconds } from "./image.ts"
import type { Binding, Container, Port, Service } from "./values.ts"

export type ServiceArgs = Pick<
  ExecArgs,
  "useEntrypoint" | "expand" | "experimentalPrivilegedNesting" | "insecureRootCapabilities"
> & { args?: string[] | null }

/** The container's command as a service. What is wrong with it shows when it starts. */
export function asService(c: Container, opts: ServiceArgs): Service {
  for (const name of ["experimentalPrivilegedNesting", "insecureRootCapabilities"] as const) {
    if (opts[name]) throw new EngineError(unsupported(`asService(${name})`))
  }
  const own = opts.args ?? []
  const useEntrypoint = opts.useEntrypoint || (own.length === 0 && !c.config.ownArgs)
  const args = commandOf(c, { ...opts, useEntrypoint, args: own })
  return { kind: "Service", from: { type: "container", container: c, args }, hostname: "" }
}

/** A container's service as it is to be run: a step that is never solved. */
export interface ServiceSpec {
  exec: ExecSpec
  /** TCP ports that have to answer before the service counts as started. */
  ports: number[]
  /** What has to end well instead, where the container says so. */
  health?: Health
  /** What the service is made of, whoever starts it: stands for it in the keys of steps. */
  key: string
  /** Like `key`, and tells apart secrets of one name: services of one session that have it are one. */
  instance: string
}

/** A command that runs beside a service until it ends well. Times in milliseconds. */
export interface Health {
  args: string[]
  interval: number
  timeout: number
  startPeriod: number
  retries: number
}

/** The health check of a container as Dagger runs it when a service starts. */
function healthOf({ config }: Container): Health | undefined {
  const { healthcheck } = config
  if (!healthcheck) return undefined
  const { args, shell, interval, timeout, startPeriod, startInterval, retries } = healthcheck
  if (shell && args.length !== 1)
    throw new EngineError(
      `failed to setup docker healthcheck: healthcheck shell command should have exactly 2 elements: [${["CMD-SHELL", ...args].join(" ")}]`,
    )
  const milliseconds = (text: string): number => Math.round(nanoseconds(text) / 1e6)
  return {
    args: shell ? ["/bin/sh", "-c", ...args] : args,
    interval: milliseconds(startInterval) || milliseconds(interval) || 5000,
    timeout: milliseconds(timeout),
    startPeriod: milliseconds(startPeriod),
    retries: retries > 0 ? retries : 3,
  }
}

export async function describeService(
  service: Service & { from: { type: "container" } },
  support: StepSupport,
): Promise<ServiceSpec> {
  const { container, args } = service.from
  const opts = { args, expand: false }
  const { spec } = await stepOf(container, opts, { ...support, hostNetwork: false })
  if (container.bindings.length === 0) useResolver(support, spec.mounts, spec.secrets)
  const ports = portsOf(service)
  const hash = (...parts: unknown[]) =>
    createHash("sha256").update(JSON.stringify(parts)).digest("hex")
  const health = healthOf(container)
  const key = hash(exec(spec).vertex.key, ports, service.hostname, ...(health ? [health] : []))
  const secrets = [
    ...container.secretEnv.map((e) => e.secret),
    ...container.mounts.flatMap((m) => (m.type === "secret" ? [m.secret] : [])),
  ]
  return {
    exec: { ...spec, name: `service ${spec.name.replace(/^exec /, "")}` },
    // A container that says how to tell needs no port to answer.
    ports: health
      ? []
      : ports
          .filter((p) => p.protocol === "TCP" && !p.experimentalSkipHealthcheck)
          .map((p) => p.port),
    ...(health && { health }),
    key,
    instance: hash(
      key,
      secrets.map((s) => s.version),
      container.volatileEnv,
    ),
  }
}

/** The ports of a service, as far as they are known before it starts. */
export function portsOf({ from }: Service): Port[] {
  if (from.type === "container") return from.container.config.ports
  return from.ports.map((p) => ({
    kind: "Port",
    port: p.frontend || p.backend,
    protocol: p.protocol ?? "TCP",
    experimentalSkipHealthcheck: false,
  }))
}

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"

/** A host name that is made of a key: always the same for what is the same. */
export function hostnameOf(key: string): string {
  let rest = BigInt(`0x${createHash("sha256").update(key).digest("hex")}`)
  let name = ""
  for (let i = 0; i < 13; i++) {
    name += LETTERS[Number(rest % 36n)]
    rest /= 36n
  }
  return name
}

/** `host:port`, behind `scheme://` where there is one. */
export function endpoint(host: string, ports: Port[], port?: number | null, scheme = ""): string {
  const number = port || ports[0]?.port
  if (!number) throw new EngineError("no ports exposed")
  return `${scheme && `${scheme}://`}${host}:${number}`
}

/** With the binding; one of the same alias before it is gone. */
export const bind = (c: Container, binding: Binding): Container => ({
  ...c,
  bindings: [...c.bindings.filter((b) => b.alias !== binding.alias), binding],
})

/** A file of hosts as BuildKit makes it, with more names. */
export function hostsFile(names: { address: string; names: string[] }[]): string {
  return [
    "127.0.0.1 localhost buildkitsandbox",
    "::1 localhost ip6-localhost ip6-loopback",
    ...names.map((n) => `${n.address} ${[...new Set(n.names)].join(" ")}`),
    "",
  ].join("\n")
}
