import { configure, dropPair, setPair } from "../../graph/container.ts"
import { EngineError } from "../../graph/errors.ts"
import { expandIn } from "../../graph/expand.ts"
import { split } from "../../graph/image.ts"
import { join } from "../../graph/path.ts"
import type { Container, EnvVariable, Healthcheck, Label, Pair, Port } from "../../graph/values.ts"
import type { Session } from "../context.ts"
import { resolved } from "./envfile.ts"

type Expandable = { expand?: boolean | null }
type NameValue = { name: string; value: string }

/** A fact of the configuration: asked of a container whose steps failed, it fails too. */
const settled =
  <T, A = unknown>(get: (c: Container, args: A) => T) =>
  async (c: Container, args: A, session: Session): Promise<T> => {
    await session.settle(c)
    return get(c, args)
  }

const pairs = <K extends "EnvVariable" | "Label">(kind: K, list: Pair[]) =>
  list.map((p) => ({ kind, ...p })) as (K extends "Label" ? Label : EnvVariable)[]

/** A relative working directory counts from the one before; an absolute one stays as it is written. */
const workdir = (before: string, path: string): string =>
  path.startsWith("/") ? path : join(before || "/", path)

const setPort = (ports: Port[], port: Port): Port[] => {
  const same = (p: Port) => p.port === port.port && p.protocol === port.protocol
  return ports.some(same) ? ports.map((p) => (same(p) ? port : p)) : [...ports, port]
}

/** How a container is set up: what an image says beside its files. */
export const config = {
  platform: (c: Container) => c.platform,
  imageRef: settled((c) => {
    if (!c.imageRef)
      throw new EngineError(
        "Image reference can only be retrieved immediately after the 'Container.From' call",
      )
    return c.imageRef
  }),
  envVariable: settled(
    (c, { name }: { name: string }) => c.config.env.find((e) => e.name === name)?.value ?? null,
  ),
  envVariables: settled((c) => pairs("EnvVariable", c.config.env)),
  withEnvVariable(c: Container, args: NameValue & Expandable) {
    // As an image keeps it: in one string, where the first equals sign ends the name.
    const { name, value } = split(`${args.name}=${expandIn(c, args.value, args.expand)}`)
    return configure(c, { env: setPair(c.config.env, name, value) })
  },
  withEnvFileVariables: (c: Container, { source }: { source: string }, session: Session) =>
    resolved(session.load("EnvFile", source)).reduce(
      (all, { name, value }) => configure(all, { env: setPair(all.config.env, name, value) }),
      c,
    ),
  withoutEnvVariable: (c: Container, { name }: { name: string }) =>
    configure(c, { env: dropPair(c.config.env, name) }),
  withVolatileVariable: (c: Container, { name, value }: NameValue): Container => ({
    ...c,
    volatileEnv: setPair(c.volatileEnv, name, value),
  }),
  withoutVolatileVariable: (c: Container, { name }: { name: string }): Container => ({
    ...c,
    volatileEnv: dropPair(c.volatileEnv, name),
  }),
  workdir: settled((c) => c.config.workdir),
  withWorkdir: (c: Container, args: Expandable & { path: string }) =>
    configure(c, { workdir: workdir(c.config.workdir, expandIn(c, args.path, args.expand)) }),
  withoutWorkdir: (c: Container) => configure(c, { workdir: "" }),
  user: settled((c) => c.config.user),
  withUser: (c: Container, { name }: { name: string }) => configure(c, { user: name }),
  withoutUser: (c: Container) => configure(c, { user: "" }),
  entrypoint: settled((c) => c.config.entrypoint ?? []),
  withEntrypoint: (c: Container, args: { args: string[]; keepDefaultArgs?: boolean | null }) =>
    configure(c, {
      entrypoint: args.args,
      ...(!args.keepDefaultArgs && { cmd: null, ownArgs: false }),
    }),
  withoutEntrypoint: (c: Container, args: { keepDefaultArgs?: boolean | null }) =>
    configure(c, {
      entrypoint: null,
      ...(!args.keepDefaultArgs && { cmd: null, ownArgs: false }),
    }),
  defaultArgs: settled((c) => c.config.cmd ?? []),
  withDefaultArgs: (c: Container, { args }: { args: string[] }) =>
    configure(c, { cmd: args, ownArgs: true }),
  withoutDefaultArgs: (c: Container) => configure(c, { cmd: null, ownArgs: false }),
  label: settled(
    (c, { name }: { name: string }) => c.config.labels.find((l) => l.name === name)?.value ?? null,
  ),
  labels: settled((c) => pairs("Label", c.config.labels)),
  withLabel: (c: Container, { name, value }: NameValue) =>
    configure(c, { labels: setPair(c.config.labels, name, value) }),
  withoutLabel: (c: Container, { name }: { name: string }) =>
    configure(c, { labels: dropPair(c.config.labels, name) }),
  withAnnotation: (c: Container, { name, value }: NameValue) =>
    configure(c, { annotations: setPair(c.config.annotations, name, value) }),
  withoutAnnotation: (c: Container, { name }: { name: string }) =>
    configure(c, { annotations: dropPair(c.config.annotations, name) }),
  exposedPorts: settled((c) => c.config.ports),
  withExposedPort: (
    c: Container,
    args: Pick<Port, "port" | "protocol" | "description"> & {
      experimentalSkipHealthcheck?: boolean | null
    },
  ) =>
    configure(c, {
      ports: setPort(c.config.ports, {
        kind: "Port",
        port: args.port,
        protocol: args.protocol,
        description: args.description,
        experimentalSkipHealthcheck: !!args.experimentalSkipHealthcheck,
      }),
    }),
  withoutExposedPort: (c: Container, args: Pick<Port, "port" | "protocol">) =>
    configure(c, {
      ports: c.config.ports.filter((p) => p.port !== args.port || p.protocol !== args.protocol),
    }),
  dockerHealthcheck: settled((c) => c.config.healthcheck ?? null),
  withDockerHealthcheck: (
    c: Container,
    args: { args: string[] } & Partial<Record<keyof Healthcheck, unknown>>,
  ) =>
    configure(c, {
      healthcheck: {
        kind: "HealthcheckConfig",
        args: args.args,
        shell: !!args.shell,
        interval: String(args.interval ?? ""),
        timeout: String(args.timeout ?? ""),
        startPeriod: String(args.startPeriod ?? ""),
        startInterval: String(args.startInterval ?? ""),
        retries: Number(args.retries ?? 0),
      },
    }),
  withoutDockerHealthcheck(c: Container): Container {
    const { healthcheck: _, ...config } = c.config
    return { ...c, config }
  },
}
