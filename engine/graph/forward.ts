import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import type { BridgeNetwork } from "../buildkit/network.ts"
import { EngineError } from "./errors.ts"
import type { PortForward } from "./values.ts"

/** A port that passes connections on. */
export interface Forward {
  port: number
  close(): void
}

/** Where services find what this machine forwards to them. */
export const onAddress = (network: BridgeNetwork): string => network.gateway

/** Opens the ports, all or none. `any`: a port that was not chosen is one that is free. */
export async function forward(
  ports: PortForward[],
  where: { listen: string; any: boolean; host: string },
): Promise<Forward[]> {
  const opened = await Promise.allSettled(
    ports.map(async (p) => {
      if (p.protocol === "UDP") throw new EngineError("UDP ports cannot be forwarded")
      const frontend = p.frontend || (where.any ? 0 : p.backend)
      return open(where.listen, frontend, where.host, p.backend)
    }),
  )
  const failed = opened.find((o) => o.status === "rejected")
  const good = opened.flatMap((o) => (o.status === "fulfilled" ? [o.value] : []))
  if (!failed) return good
  for (const f of good) f.close()
  throw failed.reason
}

async function open(listen: string, port: number, host: string, to: number): Promise<Forward> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const backend = connect({ host, port: to, allowHalfOpen: true })
    for (const [one, other] of [
      [client, backend],
      [backend, client],
    ] as const) {
      open.add(one)
      one.on("error", () => other.destroy())
      one.on("close", () => open.delete(one))
      one.pipe(other)
    }
  })
  await listening(server, listen, port)
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(new EngineError(`cannot listen on ${host}:${port}: ${error.message}`)),
    )
    server.listen(port, host, resolve)
  })
}

/** Whether somebody listens on a port of this machine. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: 1000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.on("connect", () => end(true))
    socket.on("error", () => end(false))
    socket.on("timeout", () => end(false))
  })
}
