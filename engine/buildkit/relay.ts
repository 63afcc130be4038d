import { createSocket, type Socket } from "node:dgram"
import { readFileSync } from "node:fs"
import { connect, createServer, isIPv4 } from "node:net"
import { log } from "../daemon/log.ts"

const DNS = 53

/**
 * The resolver configuration for another network. A resolver that cannot be reached from there, on
 * a loopback or an IPv6 address, is replaced by `gateway`, where `relay` answers for it.
 */
export function resolverFor(text: string, gateway: string): { text: string; relayed?: string } {
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+).*$/gm)].map((m) => m[1] as string)
  const first = servers[0] ?? "127.0.0.1"
  if (servers.every((s) => isIPv4(s) && !s.startsWith("127."))) {
    if (servers.length > 0) return { text }
  }
  const rest = text.replace(/^\s*nameserver\s.*\n?/gm, "")
  return { text: `nameserver ${gateway}\n${rest}`, relayed: first }
}

/** Passes questions for names that come to `gateway` on to a resolver that only this machine reaches. */
export class Relay {
  readonly #started = new Map<string, Promise<void>>()

  /** The text of /etc/resolv.conf for containers behind the gateway, which works when this resolves. */
  async resolver(gateway: string, file = "/etc/resolv.conf"): Promise<Buffer> {
    const { text, relayed } = resolverFor(readFileSync(file, "utf8"), gateway)
    if (relayed) {
      const way = `${gateway} ${relayed}`
      let started = this.#started.get(way)
      if (!started) {
        started = relay(gateway, relayed)
        this.#started.set(way, started)
      }
      await started
    }
    return Buffer.from(text)
  }
}

/** Answers over UDP and TCP. That the port is taken is no error: then another resolver answers there. */
export async function relay(
  listen: string,
  to: string,
  port = { listen: DNS, to: DNS },
): Promise<void> {
  const family = isIPv4(to) ? "udp4" : "udp6"
  const socket = createSocket(isIPv4(listen) ? "udp4" : "udp6")
  socket.on("message", (question, from) => {
    const asking: Socket = createSocket(family)
    const over = setTimeout(() => asking.close(), 10_000)
    asking.on("error", () => {})
    asking.once("message", (answer) => {
      clearTimeout(over)
      socket.send(answer, from.port, from.address)
      asking.close()
    })
    asking.send(question, port.to, to)
  })
  const server = createServer((client) => {
    const asking = connect({ host: to, port: port.to })
    client.on("error", () => asking.destroy())
    asking.on("error", () => client.destroy())
    client.pipe(asking).pipe(client)
  })
  socket.unref()
  server.unref()
  const ready = (start: (done: () => void) => void, on: NodeJS.EventEmitter) =>
    new Promise<void>((resolve) => {
      on.on("error", (error: Error) => {
        log(`no relay for names on ${listen}: ${error.message}`)
        resolve()
      })
      start(resolve)
    })
  await Promise.all([
    ready((done) => socket.bind(port.listen, listen, done), socket),
    ready((done) => server.listen(port.listen, listen, done), server),
  ])
}
