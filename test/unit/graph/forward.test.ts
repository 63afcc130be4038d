import { type AddressInfo, connect, createServer, type Server } from "node:net"
import { expect, onTestFinished, test } from "vitest"
import { answers, forward } from "../../../engine/graph/forward.ts"

async function echo(): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

const ask = (port: number, words: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port })
    let answer = ""
    socket.on("data", (data) => {
      answer += data
    })
    socket.on("end", () => resolve(answer))
    socket.on("error", reject)
    socket.end(words)
  })

const local = { listen: "127.0.0.1", any: true, host: "127.0.0.1" }

test("what comes to a port is passed on, and the answer back", async () => {
  const [one] = await forward([{ backend: await echo() }], local)
  if (!one) throw new Error("no port was opened")
  expect(await ask(one.port, "there and back")).toBe("there and back")
  one.close()
  expect(await answers(one.port)).toBe(false)
})

test("all ports are opened or none", async () => {
  const [taken, free] = [await echo(), await echo()]
  const wanted = [{ backend: free }, { backend: free, frontend: taken }]
  await expect(forward(wanted, local)).rejects.toThrow(`cannot listen on 127.0.0.1:${taken}`)
})

test("UDP is refused", async () => {
  await expect(forward([{ backend: 53, protocol: "UDP" }], local)).rejects.toThrow(
    "UDP ports cannot be forwarded",
  )
})

test("whether a port answers", async () => {
  expect(await answers(await echo())).toBe(true)
})
