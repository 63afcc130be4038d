import { createHash } from "node:crypto"
import type { ServiceNetwork } from "../buildkit/network.ts"
import type { StepSecret } from "../llb/vertex.ts"
import { EngineError, ExecFailure } from "./errors.ts"
import type { StepSupport } from "./execute.ts"
import { ended, unhealthy } from "./failure.ts"
import { answers, type Forward, forward, onAddress } from "./forward.ts"
import { toParams } from "./params.ts"
import { describeService, hostnameOf, hostsFile, portsOf, type ServiceSpec } from "./service.ts"
import type { Asker, RunningService, Solver } from "./solver.ts"
import type { Binding, Container, Port, Service } from "./values.ts"

/** How long a service goes on when nobody uses it any more: the next step may. */
const GRACE = 10_000
/** How long a service may take to end when it is asked to. */
const PATIENCE = 10_000
const PATIENCE_AT_END = 2000
/** After how long somebody who waits is told what for. */
const SLOW = 15_000

export interface ServicesOptions {
  asker: Asker
  solver: Solver
  support(): Promise<StepSupport>
  network(): Promise<ServiceNetwork>
  /** Ports of this machine that services have, where they have no addresses of their own. */
  taken: Map<number, string>
}

interface Instance {
  hostname: string
  /** The address, once the service can be used. */
  ready: Promise<string>
  /** Set once it is ready. */
  address?: string
  ports: Port[]
  users: number
  /** Started by name: runs until it is stopped by name. */
  pinned: boolean
  over: boolean
  idle?: NodeJS.Timeout
  stop(how: { signal?: number; patience: number }): Promise<void>
}

/** The services of one session: each runs once, whoever uses it. */
export class Services {
  readonly #options: ServicesOptions
  readonly #instances = new Map<string, Instance>()
  #closed = false

  constructor(options: ServicesOptions) {
    this.#options = options
  }

  /** The name under which a service is known in this session; always the same for the same service. */
  async hostname(service: Service): Promise<string> {
    if (service.hostname) return service.hostname
    if (service.from.type === "tunnel") return "localhost"
    return hostnameOf(await this.#key(service))
  }

  /** A file of hosts with the services in it, which run as long as a step does that reads it. */
  async hosts(bindings: Binding[]): Promise<StepSecret> {
    const keys = await Promise.all(
      bindings.map(async ({ alias, service }) => [alias, await this.#key(service)]),
    )
    const digest = createHash("sha256").update(JSON.stringify(keys)).digest("hex").slice(0, 32)
    let names: Parameters<typeof hostsFile>[0] = []
    return {
      id: `pyline:hosts:${digest}`,
      plaintext: async () => Buffer.from(hostsFile(names)),
      hold: async () => {
        const held = await Promise.allSettled(
          bindings.map(({ alias, service }) => this.#use(service, alias)),
        )
        const used = held.flatMap((h) => (h.status === "fulfilled" ? [h.value] : []))
        const release = () => {
          for (const instance of used) this.#release(instance)
        }
        const failed = held.find((h) => h.status === "rejected")
        if (failed) {
          release()
          throw failed.reason
        }
        names = used.map((instance, i) => ({
          address: instance.address ?? "",
          names: [bindings[i]?.alias ?? "", instance.hostname],
        }))
        return release
      },
    }
  }

  /** Starts a service that then runs until it is stopped or the session ends. */
  async start(service: Service): Promise<void> {
    const instance = await this.#instance(service)
    instance.pinned = true
    clearTimeout(instance.idle)
    await instance.ready
  }

  async stop(service: Service, kill: boolean): Promise<void> {
    const instance = this.#instances.get(await this.#instanceKey(service))
    if (!instance) return
    instance.pinned = false
    await instance.stop({ ...(kill && { signal: 9 }), patience: PATIENCE })
  }

  /** The ports where a tunnel answers now. */
  async tunnelPorts(service: Service): Promise<Port[]> {
    const instance = this.#instances.get(await this.#instanceKey(service))
    if (!instance) throw new EngineError("the tunnel is not running")
    await instance.ready
    return instance.ports
  }

  /** Stops all of them. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(
      [...this.#instances.values()].map((i) => i.stop({ patience: PATIENCE_AT_END })),
    )
  }

  /** What a service is made of. */
  async #key(service: Service): Promise<string> {
    return (await this.#describe(service)).key
  }

  async #instanceKey(service: Service): Promise<string> {
    return (await this.#describe(service)).instance
  }

  async #describe(service: Service): Promise<Pick<ServiceSpec, "key" | "instance">> {
    if (isContainer(service)) {
      return describeService(service, await this.#options.support())
    }
    const { from } = service
    const parts =
      from.type === "tunnel" ? { ...from, service: await this.#key(from.service) } : from
    const key = createHash("sha256").update(JSON.stringify(parts)).digest("hex")
    return { key, instance: key }
  }

  async #use(service: Service, alias: string): Promise<Instance> {
    if (service.from.type === "tunnel") throw new EngineError("a tunnel cannot be bound")
    const instance = await this.#instance(service)
    instance.users++
    clearTimeout(instance.idle)
    try {
      await instance.ready
      return instance
    } catch (error) {
      this.#release(instance)
      const why = `start ${instance.hostname} (aliased as ${alias}): ${(error as Error).message}`
      if (!(error instanceof ExecFailure)) throw new EngineError(why, { cause: error })
      throw new ExecFailure(error.cmd, error.exitCode, error.stdout, error.stderr, why)
    }
  }

  #release(instance: Instance): void {
    instance.users--
    if (instance.users > 0 || instance.pinned || instance.over) return
    clearTimeout(instance.idle)
    instance.idle = setTimeout(() => void instance.stop({ patience: PATIENCE }), GRACE)
  }

  /** The one that runs, or a new one. */
  async #instance(service: Service): Promise<Instance> {
    const hostname = await this.hostname(service)
    const key = await this.#instanceKey(service)
    const known = this.#instances.get(key)
    if (known && !known.over) return known
    if (this.#closed) throw new EngineError("the session was closed")
    const instance = isContainer(service)
      ? this.#run(service, hostname)
      : this.#forward(service, hostname)
    this.#instances.set(key, instance)
    // Whoever uses it waits for it, too; nobody may be there any more when it fails.
    instance.ready.then(
      (address) => {
        instance.address = address
      },
      () => {
        instance.over = true
      },
    )
    return instance
  }

  #run(service: Service & { from: { type: "container" } }, hostname: string): Instance {
    const { asker, solver, network, support, taken } = this.#options
    const ports = portsOf(service)
    const id = `service-${hostname}-${Date.now()}`
    let running: RunningService | undefined
    let stopping = false
    let isOver: () => void = () => {}
    const over = new Promise<void>((resolve) => {
      isOver = resolve
    })
    const cancel = new AbortController()
    const begin = async (becomeReady: (address: string) => void): Promise<never> => {
      const spec = await describeService(service, await support())
      const where = await network()
      const claimed = where.kind === "host" ? await claim(taken, hostname, ports, where.why) : []
      const holds: (() => void)[] = []
      const step = { id, name: spec.exec.name, started: Date.now() }
      let error: Error | undefined
      let refused: Error | undefined
      try {
        for (const secret of spec.exec.secrets) if (secret.hold) holds.push(await secret.hold())
        const ready = {
          address: where.kind === "host" ? "127.0.0.1" : "",
          ports: spec.ports,
          ...(spec.health && { health: spec.health }),
        }
        const { targets, params } = toParams(spec.exec, { ready })
        const solving = { progress: asker.progress, signal: cancel.signal }
        running = await solver.service(solving, targets, spec.exec.secrets, params, (event) => {
          if (event.log && !event.log.digest)
            asker.progress.log(id, event.log.stream, event.log.data)
          if (event.started) asker.progress.step({ ...step, status: "running" })
          if (event.ready) becomeReady(event.ready.address)
          if (event.unhealthy) {
            refused = unhealthy(spec.health?.args ?? [], event.unhealthy)
            if (running) void running.stop({ patience: PATIENCE })
            else cancel.abort(refused)
          }
        })
        if (stopping) await running.stop({ patience: PATIENCE_AT_END })
        const result = await running.ended
        error = refused ?? ended(service.from.args, result)
        throw error
      } finally {
        for (const release of holds) release()
        for (const port of claimed) taken.delete(port)
        asker.progress.step({
          ...step,
          status: stopping || !error ? "done" : "failed",
          ended: Date.now(),
          ...(!stopping && error && { error: error.message }),
        })
      }
    }
    const instance: Instance = {
      hostname,
      ports,
      users: 0,
      pinned: false,
      over: false,
      ready: new Promise((resolve, reject) => {
        begin(resolve).catch((error) => {
          instance.over = true
          isOver()
          // Of no interest any more where it was ready before: then this does nothing.
          reject(error)
        })
      }),
      async stop(how) {
        clearTimeout(instance.idle)
        instance.over = true
        stopping = true
        if (running) await running.stop(how)
        else cancel.abort(new EngineError("the service was stopped"))
        await over
      },
    }
    const slow = setTimeout(() => {
      asker.progress.message(
        `${hostname} (${service.from.args.join(" ")}) has been starting for ${SLOW / 1000} s: ${waitsFor(service, ports)}`,
      )
    }, SLOW)
    const settled = () => clearTimeout(slow)
    instance.ready.then(settled, settled)
    return instance
  }

  /** From this machine to a service, or from services to this machine. */
  #forward(service: Service, hostname: string): Instance {
    const { from } = service
    if (isContainer(service) || from.type === "container") throw new EngineError("not a forward")
    let forwards: Forward[] = []
    let target: Instance | undefined
    const instance: Instance = {
      hostname,
      ports: portsOf(service),
      users: 0,
      pinned: false,
      over: false,
      ready: Promise.resolve().then(async () => {
        if (from.type === "tunnel") {
          target = await this.#instance(from.service)
          target.users++
          clearTimeout(target.idle)
          const address = await target.ready
          const wanted =
            from.ports.length > 0
              ? from.ports
              : target.ports.map((p) => ({
                  backend: p.port,
                  frontend: from.native ? p.port : 0,
                  protocol: p.protocol,
                }))
          if (wanted.length === 0) throw new EngineError("no ports to forward")
          forwards = await forward(wanted, { listen: "127.0.0.1", any: true, host: address })
          instance.ports = forwards.map(({ port }) => tcp(port))
          return "127.0.0.1"
        }
        const where = await this.#options.network()
        const listen = where.kind === "host" ? "127.0.0.1" : onAddress(where)
        if (
          where.kind === "bridge" ||
          from.ports.some((p) => p.frontend && p.frontend !== p.backend)
        )
          forwards = await forward(from.ports, { listen, any: false, host: from.host })
        return listen
      }),
      async stop() {
        clearTimeout(instance.idle)
        instance.over = true
        await instance.ready.catch(() => {})
        for (const f of forwards) f.close()
        forwards = []
        const released = target
        target = undefined
        if (released) releaseTarget(released)
      },
    }
    const releaseTarget = (released: Instance) => this.#release(released)
    instance.ready.catch(() => void instance.stop({ patience: 0 }))
    return instance
  }
}

function waitsFor({ from }: Service, ports: Port[]): string {
  if (from.type === "container" && from.container.config.healthcheck)
    return "its health check does not pass yet"
  return ports.length > 0
    ? `port ${ports.map((p) => p.port).join(", ")} does not answer yet`
    : "it is being made"
}

const tcp = (port: number): Port => ({
  kind: "Port",
  port,
  protocol: "TCP",
  experimentalSkipHealthcheck: false,
})

const isContainer = (
  service: Service,
): service is Service & { from: { type: "container"; container: Container } } =>
  service.from.type === "container"

/** Takes ports of this machine for a service, where services have no addresses of their own. */
async function claim(
  taken: Map<number, string>,
  hostname: string,
  ports: Port[],
  why: string,
): Promise<number[]> {
  const claimed: number[] = []
  const refuse = (port: number, by: string) => {
    for (const p of claimed) taken.delete(p)
    throw new EngineError(
      `port ${port} is in use by ${by}: services have the ports of this machine in common here, because ${why}`,
    )
  }
  for (const { port, protocol } of ports) {
    if (protocol !== "TCP") continue
    const other = taken.get(port)
    if (other) refuse(port, other)
    taken.set(port, `service ${hostname}`)
    claimed.push(port)
  }
  // What answers already would be taken for the service.
  for (const port of claimed) if (await answers(port)) refuse(port, "another program")
  return claimed
}
