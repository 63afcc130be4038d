import { appendFileSync, rmSync, statfsSync } from "node:fs"
import path from "node:path"
import type { Client } from "@dagger.io/dagger"
import { afterAll, beforeAll, expect, test } from "vitest"
import { OwnEngine, smallDisk } from "./servers/engine.ts"
import { image, shellLayer, tar } from "./servers/image.ts"
import { Registry } from "./servers/registry.ts"

// An engine whose state is on a disk of 64 MB.

let disk: ReturnType<typeof smallDisk>
let engine: OwnEngine
let registry: Registry
let base = ""
beforeAll(async () => {
  disk = smallDisk(64 << 20)
  engine = await OwnEngine.create({ state: disk.dir })
  registry = await Registry.start()
  base = registry.add("base", "1", image([shellLayer()]))
})
afterAll(async () => {
  await engine?.stop().catch(() => {})
  disk?.remove()
  await registry?.down()
})

const step = (client: Client, script: string) =>
  client.container().from(base).withExec(["sh", "-c", script])
const free = () => {
  const { bavail, bsize } = statfsSync(disk.dir)
  return bavail * bsize
}
const filler = () => path.join(disk.dir, "filler")
/** Leaves so many bytes free. */
const fill = (left: number) => appendFileSync(filler(), Buffer.alloc(Math.max(0, free() - left)))
const complaint = (work: Promise<unknown>) =>
  work.then(
    (value) => `it went well: ${String(value)}`,
    (error: Error & { stderr?: string }) => `${error.message} ${error.stderr ?? ""}`,
  )

/** What is said of a full disk. Now and then BuildKit finds something to throw away, and goes on. */
async function refusal(before: () => Promise<unknown> = async () => {}): Promise<string> {
  for (let attempt = 0; attempt < 10; attempt++) {
    await before()
    fill(0)
    const run = engine.session((client) => step(client, `echo ${Math.random()}`).stdout())
    const said = await complaint(run)
    if (!said.startsWith("it went well")) return said
  }
  return "it went well each time"
}

test("it works while there is room", async () => {
  expect(await engine.session((client) => step(client, "echo small").stdout())).toBe("small\n")
})

test("a pull for which there is no room says where the disk is full, and how large it is", async () => {
  fill(1 << 20)
  const big = registry.add(
    "big",
    "1",
    image([shellLayer(), tar({ "/data": Buffer.alloc(30 << 20) })]),
  )
  const said = await engine.session((client) =>
    complaint(client.container().from(big).withExec(["sh", "-c", "echo big"]).stdout()),
  )
  expect(said.replaceAll(engine.state, "STATE")).toMatch(
    /^The disk of STATE\/buildkit is full \(67 MB, \d+ MB free.*\): .*no space left.* pyline engine prune/s,
  )
})

test("a step that fills the disk fails, and it is said that the disk is full", async () => {
  rmSync(filler(), { force: true })
  fill(4 << 20)
  const [said, told] = await engine.session(async (client, told) => [
    await complaint(step(client, "dd if=/dev/zero of=/out bs=1M count=60; echo never").sync()),
    told.text(),
  ])
  expect(`${said}${told}`).toMatch(/no space left on device/i)
  expect(`${said}${told}`.replaceAll(engine.state, "STATE")).toMatch(
    /The disk of STATE\S* is full \(67 MB/,
  )
})

test("with no room at all what is known is answered, and the next run says why it cannot run", async () => {
  rmSync(filler(), { force: true })
  fill(0)
  const known = await engine.session((client) => complaint(step(client, "echo small").stdout()))
  expect(known).toBe("it went well: small\n")
  expect(await refusal()).toMatch(/is full \(67 MB, 0 MB free/i)
})

test("an engine that starts on a full disk says so", async () => {
  expect(await refusal(() => engine.stop())).toMatch(/full.*\(67 MB, 0 MB free/is)
})

test("it works again when there is room", async () => {
  rmSync(filler(), { force: true })
  await engine.prune()
  const [small, other] = await engine.session((client) =>
    Promise.all([step(client, "echo small").stdout(), step(client, "echo other").stdout()]),
  )
  expect([small, other]).toEqual(["small\n", "other\n"])
})
