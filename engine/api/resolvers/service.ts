import { asService, bind, endpoint, portsOf, type ServiceArgs } from "../../graph/service.ts"
import type { Container, Host, PortForward, Service } from "../../graph/values.ts"
import { outputsOf, type Session } from "../context.ts"

type EndpointArgs = { port?: number | null; scheme?: string | null }

/** The ports of a tunnel are known once it runs; those of the others are what was asked for. */
const portsNow = async (s: Service, session: Session) =>
  s.from.type === "tunnel" ? session.services.tunnelPorts(s) : portsOf(s)

export const service = {
  hostname: (s: Service, _: unknown, session: Session) => session.services.hostname(s),
  withHostname: (s: Service, { hostname }: { hostname: string }): Service => ({ ...s, hostname }),
  ports: (s: Service, _: unknown, session: Session) => portsNow(s, session),
  async endpoint(s: Service, { port, scheme }: EndpointArgs, session: Session) {
    const ports = await portsNow(s, session)
    return endpoint(await session.services.hostname(s), ports, port, scheme ?? "")
  },
  async start(s: Service, _: unknown, session: Session): Promise<string> {
    await session.services.start(s)
    return session.idOf(s)
  },
  async stop(s: Service, { kill }: { kill?: boolean | null }, session: Session): Promise<string> {
    await session.services.stop(s, !!kill)
    return session.idOf(s)
  },
  async sync(s: Service, _: unknown, session: Session): Promise<string> {
    if (s.from.type === "container") {
      await session.engine.solver.ensure(session, outputsOf(s.from.container))
    }
    return session.idOf(s)
  },
}

/** What containers have to do with services. */
export const containerServices = {
  asService: (c: Container, args: ServiceArgs) => asService(c, args),
  withServiceBinding: (
    c: Container,
    args: { alias: string; service: string },
    session: Session,
  ): Container => bind(c, { alias: args.alias, service: session.load("Service", args.service) }),
}

/** Ways between this machine and services. */
export const hostServices = {
  tunnel: (
    _: Host,
    args: { service: string; ports?: PortForward[] | null; native?: boolean | null },
    session: Session,
  ): Service => ({
    kind: "Service",
    from: {
      type: "tunnel",
      service: session.load("Service", args.service),
      ports: args.ports ?? [],
      native: !!args.native,
    },
    hostname: "",
  }),
  service: (_: Host, args: { ports: PortForward[]; host?: string | null }): Service => ({
    kind: "Service",
    from: { type: "host", host: args.host ?? "localhost", ports: args.ports },
    hostname: "",
  }),
}
