import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import type { Client, Container } from "@dagger.io/dagger"
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest"
import { OwnEngine } from "./servers/engine.ts"
import { image, shellLayer, tar } from "./servers/image.ts"
import { digestOf, Registry } from "./servers/registry.ts"

// What a registry does wrong, and what the engine makes of it.

let engine: OwnEngine
let registry: Registry
beforeAll(async () => {
  engine = await OwnEngine.create()
})
afterAll(() => engine?.remove())
beforeEach(async () => {
  registry = await Registry.start()
})
afterEach(() => registry.down())

/** An image that nobody has: a shell, and a layer of so many bytes that are new. */
const freshImage = (bytes = 1000) => image([shellLayer(), tar({ "/data": randomBytes(bytes) })])

/** Prints a word that no other run of this step prints: the same word twice is one run. */
const word = (c: Container) =>
  c.withExec(["sh", "-c", "head -c 9 /dev/urandom | base64 | tr -d '\n'; ls -l /data >&2"])

const from = (client: Client, ref: string) => client.container().from(ref)
const pull = (ref: string) => engine.session((client) => word(from(client, ref)).stdout())

/** What a command that fails has to say. */
async function complaint(work: Promise<unknown>): Promise<string> {
  const result = await work.then(
    (value) => `it went well: ${String(value)}`,
    (error: Error) => error.message,
  )
  return result.replaceAll(registry.host, "registry.test").replace(/[0-9a-f]{64}/g, "…")
}

test("a registry that is down is not missed when all is there", async () => {
  const ref = registry.add("here", "1", freshImage())
  const first = await pull(ref)
  await registry.down()
  registry.script.reset()
  expect(await pull(ref)).toBe(first)
  // A new step on the same image needs no registry either, nor does a new engine.
  await engine.stop()
  const other = await engine.session((client) =>
    from(client, ref).withExec(["sh", "-c", "echo other"]).stdout(),
  )
  expect(other).toBe("other\n")
  expect(registry.script.asked).toEqual([])
  await registry.up()
})

test("a registry that is down and whose image is not here is named at once", async () => {
  const ref = registry.add("away", "1", freshImage())
  await registry.down()
  const begun = Date.now()
  expect(await complaint(pull(ref))).toBe(
    "image registry.test/away:1: the registry registry.test cannot be reached (connection refused)",
  )
  expect(Date.now() - begun).toBeLessThan(10_000)
  await registry.up()
})

test("a registry that limits requests is asked again when its Retry-After is over", async () => {
  const ref = registry.add("limited", "1", freshImage())
  const until = Date.now() + 3000
  registry.script.fail(/./, () =>
    Date.now() < until
      ? {
          status: 429,
          headers: { "retry-after": String(Math.ceil((until - Date.now()) / 1000)) },
        }
      : undefined,
  )
  const told = await engine.session(async (client, told) => {
    await word(from(client, ref)).stdout()
    return told.text()
  })
  expect(told).toMatch(/limits how often it may be asked \(429\): trying again in [1-5] s/)
  // A burst of BuildKit's own and our question how long to wait; then nothing until it is over.
  const early = registry.script.asked.filter(({ at }) => at < until)
  expect(early.length).toBeLessThanOrEqual(7)
  expect(early.every(({ at }) => at < until - 1500)).toBe(true)
})

test("who gives up while a registry limits requests does not wait for it", async () => {
  const ref = registry.add("rest", "1", freshImage())
  registry.script.fail(/./, { status: 429, headers: { "retry-after": "30" } })
  const { engine: session, client } = await engine.open()
  const failed = complaint(word(from(client, ref)).stdout())
  await sleep(1500)
  const begun = Date.now()
  await session.close()
  await failed
  expect(Date.now() - begun).toBeLessThan(3000)
})

test("eight that pull one image at once ask for it once", async () => {
  const made = freshImage(100_000)
  const ref = registry.add("matrix", "1", made)
  await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      engine.session((client) =>
        from(client, ref)
          .withExec(["sh", "-c", `echo ${i}`])
          .sync(),
      ),
    ),
  )
  expect(registry.script.count(/manifests\/1/)).toBe(1)
  for (const layer of made.layers)
    expect(registry.script.count(new RegExp(`GET .*${digestOf(layer)}`))).toBeLessThanOrEqual(1)
})

test("a download that breaks off goes on where it was", async () => {
  const made = freshImage(6_000_000)
  const ref = registry.add("reset", "1", made)
  const layer = digestOf(made.layers[1] as Buffer)
  registry.script.fail(`GET /v2/reset/blobs/${layer}`, { resetAfter: 2_500_000 }, 2)
  await pull(ref)
  const ranges = registry.script.asked
    .filter(({ path }) => path.endsWith(layer))
    .map(({ headers }) => headers.range ?? "")
  expect(ranges).toHaveLength(3)
  expect(ranges[0]).toBe("")
})

test("a registry that drops the first request is asked again", async () => {
  const ref = registry.add("dropped", "1", freshImage())
  registry.script.fail(/(HEAD|GET) .*manifests/, { resetAfter: 0 }, 1)
  expect(await pull(ref)).toMatch(/^\S{12}$/)
})

test("a layer that arrives corrupt once is downloaded again", async () => {
  const made = freshImage(500_000)
  const ref = registry.add("corrupt-once", "1", made)
  registry.script.fail(/GET .*blobs/, { corrupt: true }, 1)
  expect(await pull(ref)).toMatch(/^\S{12}$/)
})

test("a layer that is corrupt is refused, and nothing of it is kept", async () => {
  const made = freshImage(500_000)
  const ref = registry.add("corrupt", "1", made)
  const layer = digestOf(made.layers[1] as Buffer)
  registry.script.fail(`GET /v2/corrupt/blobs/${layer}`, { corrupt: true })
  expect(await complaint(pull(ref))).toBe(
    "pull registry.test/corrupt:1: the registry sent corrupt data: sha256:… arrived as sha256:…. Nothing of it was kept",
  )
  registry.script.reset()
  expect(await pull(ref)).toMatch(/^\S{12}$/)
  // The good layer came the first time.
  expect(registry.script.asked.map(({ path }) => path)).toEqual([`/v2/corrupt/blobs/${layer}`])
})

test("a name that does not resolve is named", async () => {
  const nowhere = "registry.nowhere.invalid"
  const begun = Date.now()
  expect(await complaint(pull(`${nowhere}/app:1`))).toBe(
    `image ${nowhere}/app:1: the name of the registry ${nowhere} cannot be resolved (no such host): check how it is spelled, and the DNS of this machine`,
  )
  const ref = registry.add("base", "1", freshImage())
  const push = engine.session((client) => word(from(client, ref)).publish(`${nowhere}/app:1`))
  expect(await complaint(push)).toBe(
    `failed to push ${nowhere}/app:1: the name of the registry ${nowhere} cannot be resolved (no such host): check how it is spelled, and the DNS of this machine`,
  )
  expect(Date.now() - begun).toBeLessThan(15_000)
})

test("a registry that wants a login says so", async () => {
  const ref = registry.add("private", "1", freshImage())
  registry.login = { username: "user", password: "right" }
  const login = (password: string) =>
    engine.session((client) =>
      client
        .container()
        .withRegistryAuth(registry.host, "user", client.setSecret("registry", password))
        .from(ref)
        .withExec(["sh", "-c", "echo in"])
        .stdout(),
    )
  expect(await complaint(pull(ref))).toContain(
    "the registry registry.test refuses access (401 Unauthorized): log in to it",
  )
  expect(await complaint(login("wrong"))).not.toContain("wrong")
  expect(await login("right")).toBe("in\n")
})

test.each([
  ["the beginning of an upload", /POST .*\/blobs\/uploads/, 2],
  ["the end of an upload", /PUT .*\/blobs\/uploads/, 1],
  ["the manifest", /PUT .*\/manifests/, 1],
])("a push survives a 502 for %s, and builds nothing again", async (_, request, times) => {
  const base = registry.add("base", "1", freshImage())
  registry.script.fail(request, { status: 502 }, times)
  const [ref, said, again] = await engine.session(async (client) => {
    const built = word(from(client, base))
    return [
      await built.publish(`${registry.host}/app:1`),
      await built.stdout(),
      await built.withExec(["true"]).withExec(["true"]).stdout(),
    ]
  })
  expect(ref).toMatch(/\/app:1@sha256:/)
  expect(again).toBe("")
  // The step ran before it was pushed; its word would be another one if it had run again.
  expect(await engine.session((client) => word(from(client, base)).stdout())).toBe(said)
  // What is there can be pulled.
  const pulled = await engine.session((client) =>
    from(client, ref as string)
      .withExec(["wc", "-c", "/data"])
      .stdout(),
  )
  expect(pulled).toContain("1000 /data")
})

test("a push into a registry that stays broken moves no tag, and says whose fault it is", async () => {
  const base = registry.add("base", "1", freshImage())
  registry.script.fail(/PUT .*\/blobs\/uploads/, { status: 502 })
  const push = engine.session((client) => word(from(client, base)).publish(`${registry.host}/x:1`))
  expect(await complaint(push)).toBe(
    "failed to push registry.test/x:1: the registry registry.test failed again and again (502 Bad Gateway): try later",
  )
  expect(registry.script.count(/PUT .*x\/manifests/)).toBe(0)
})
