import { createServer } from "node:net"

/** Ports that nothing listens on. */
export async function ports(many: number): Promise<number[]> {
  const servers = Array.from({ length: many }, () => createServer())
  const found = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once("error", reject)
          server.listen(0, "127.0.0.1", () => {
            const address = server.address()
            resolve(typeof address === "object" && address ? address.port : 0)
          })
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return found
}
