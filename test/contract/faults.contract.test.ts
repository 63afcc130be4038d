import { randomBytes } from "node:crypto"
import type { Client, Container } from "@dagger.io/dagger"
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest"
import { OwnEngine } from "./servers/engine.ts"
import { image, shellLayer, tar } from "./servers/image.ts"
import { digestOf, Registry } from "./servers/registry.ts"

let engine: OwnEngine
let registry: Registry
beforeAll(async () => {
  engine = await OwnEngine.create()
})
afterAll(() => engine.remove())
beforeEach(async () => {
  registry = await Registry.start()
})
afterEach(() => registry.down())

/** An image that nobody has: a shell, and a layer of so many bytes that are new. */
const freshImage = (bytes = 1000) =>
  image([shellLayer(), tar({ "/data": randomBytes(bytes) })])

/** Prints a word that no other run of this step prints: the same word twice is one run. */
const word = (c: Container) =>
  c.withExec(["sh", "-c", "head -c 9 /dev/urandom | base64 | tr -d '\n'; ls -l /data >&2"])

const from = (client: Client, ref: string) => client.container().from(ref)

test("a registry that is down is not missed when all is there", async () => {
  const ref = registry.add("here", "1", freshImage())
  const first = await engine.session((client) => word(from(client, ref)).stdout())
  await registry.down()
  registry.script.reset()
  const again = await engine.session((client) => word(from(client, ref)).stdout())
  expect(again).toBe(first)
  // A new step on the same image needs no registry either.
  const other = await engine.session((client) =>
    from(client, ref).withExec(["sh", "-c", "echo other"]).stdout(),
  )
  expect(other).toBe("other\n")
  expect(registry.script.asked).toEqual([])
  await registry.up()
})
