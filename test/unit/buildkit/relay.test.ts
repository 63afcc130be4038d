import { createSocket } from "node:dgram"
import { createServer } from "node:net"
import { expect, test } from "vitest"
import { relay, resolverFor } from "../../../engine/buildkit/relay.ts"

test("a resolver that others reach, too, is left as it is", () => {
  const text = "search a.test\nnameserver 10.0.0.53\nnameserver 10.0.0.54\n"
  expect(resolverFor(text, "10.1.2.1")).toEqual({ text })
})

test("a resolver of this machine alone is relayed", () => {
  expect(resolverFor("nameserver 127.0.0.53\noptions edns0\nsearch a.test\n", "10.1.2.1")).toEqual({
    text: "nameserver 10.1.2.1\noptions edns0\nsearch a.test\n",
    relayed: "127.0.0.53",
  })
  expect(resolverFor("nameserver fe80::1\n", "10.1.2.1").relayed).toBe("fe80::1")
  expect(resolverFor("", "10.1.2.1")).toEqual({
    text: "nameserver 10.1.2.1\n",
    relayed: "127.0.0.1",
  })
})

test("questions come to the resolver, and its answers back", async () => {
  const resolver = createSocket("udp4")
  resolver.on("message", (question, from) =>
    resolver.send(`answer to ${question}`, from.port, from.address),
  )
  const to = await new Promise<number>((done) =>
    resolver.bind(0, "127.0.0.1", () => done(resolver.address().port)),
  )
  const free = createServer()
  const listen = await new Promise<number>((done) =>
    free.listen(0, "127.0.0.1", () => done((free.address() as { port: number }).port)),
  )
  await new Promise((done) => free.close(done))
  await relay("127.0.0.1", "127.0.0.1", { listen, to })
  const asking = createSocket("udp4")
  const answer = await new Promise<Buffer>((done) => {
    asking.on("message", done)
    asking.send("a.test?", listen, "127.0.0.1")
  })
  expect(answer.toString()).toBe("answer to a.test?")
  asking.close()
  resolver.close()
})
