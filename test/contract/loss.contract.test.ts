import { type ChildProcess, spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { appendFileSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Client } from "@dagger.io/dagger"
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest"
import { OwnEngine } from "./servers/engine.ts"
import { image, shellLayer } from "./servers/image.ts"
import { Registry } from "./servers/registry.ts"

// Engines and clients that go away while others wait for them.

const root = path.resolve(import.meta.dirname, "../..")
let engine: OwnEngine
let registry: Registry
let base = ""
beforeAll(async () => {
  engine = await OwnEngine.create()
  registry = await Registry.start()
  base = registry.add("base", "1", image([shellLayer()]))
})
afterAll(async () => {
  await engine?.remove()
  await registry?.down()
})

const step = (client: Client, script: string) =>
  client.container().from(base).withExec(["sh", "-c", script])
/** Prints a word that no other run of it prints. */
const word = (name: string) => `head -c 9 /dev/urandom | base64; : ${name}`

/** A time in seconds to sleep that tells its process from all others. */
const marked = () => `${randomInt(3000, 9000)}.${randomInt(100_000, 999_999)}`
const isRunning = (mark: string) =>
  readdirSync("/proc").some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(`sleep\0${mark}`)
    } catch {
      return false
    }
  })
const untilRunning = (mark: string) =>
  expect.poll(() => isRunning(mark), { timeout: 120_000, interval: 50 }).toBe(true)

/** Starts the command on a program that runs one step; `ended` is its exit code. */
function startCommand(script: string): {
  child: ChildProcess
  ended: Promise<number | null>
  output(): string
} {
  const program = path.join(engine.state, `program-${randomInt(1e9)}.mts`)
  const sdk = path.join(root, "node_modules/@dagger.io/dagger/dist/src/index.js")
  writeFileSync(
    program,
    `import { connection, dag } from ${JSON.stringify(sdk)}
await connection(async () => {
  const step = dag.container().from(${JSON.stringify(base)}).withExec(["sh", "-c", ${JSON.stringify(script)}])
  console.log(await step.stdout())
})
`,
  )
  const child = spawn(
    path.join(root, "pyline"),
    ["run", "--engine", "embedded", "--", "node", "--import", "tsx", program],
    {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PYLINE_STATE_DIR: engine.state, PYLINE_ENGINE_BUNDLE: engine.bundle },
    },
  )
  let output = ""
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      output += chunk
    })
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
  onTestFinished(() => void child.kill("SIGKILL"))
  return { child, ended, output: () => output }
}

const within = <T>(ms: number, work: Promise<T>): Promise<T> =>
  Promise.race([
    work,
    sleep(ms).then(() => Promise.reject(new Error(`it took longer than ${ms} ms`))),
  ])

const killEngine = async () => process.kill((await engine.status()).pid as number, "SIGKILL")

test("who waits for an engine that is killed hears of it, and the next run goes on", async () => {
  const known = await engine.session((client) => step(client, word("known")).stdout())
  const mark = marked()
  const { client, engine: session } = await engine.open()
  const asked = step(client, `sleep ${mark}`)
    .sync()
    .then(
      () => "it went well",
      (error: Error) => error.message,
    )
  await untilRunning(mark)
  await killEngine()
  const lost = await within(10_000, session.lost)
  expect(lost.message).toBe(
    "The engine ended while it worked for this run: it was killed, or crashed.",
  )
  expect(lost.fix).toBe("run the same command again: a new engine is started")
  expect(lost.log).toBe(engine.paths.log)
  expect(await within(10_000, asked)).not.toBe("it went well")
  await expect.poll(() => isRunning(mark), { timeout: 30_000 }).toBe(false)
  expect(await engine.session((c) => step(c, word("known")).stdout())).toBe(known)
})

test("a command whose engine is killed ends", async () => {
  const mark = marked()
  const { ended, output } = startCommand(`sleep ${mark}`)
  await untilRunning(mark)
  await killEngine()
  expect(await within(10_000, ended), output()).toBeGreaterThan(0)
})

test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
  "%s to a command ends its steps within 5 s, and nobody else's",
  async (signal) => {
    const [own, other] = [marked(), marked()]
    const { client, engine: session } = await engine.open()
    const others = step(client, `sleep ${other} & sleep 8; kill $!; echo finished`).stdout()
    const { child, ended } = startCommand(`sleep ${own}`)
    await Promise.all([untilRunning(own), untilRunning(other)])
    child.kill(signal)
    const begun = Date.now()
    await expect.poll(() => isRunning(own), { timeout: 30_000, interval: 50 }).toBe(false)
    expect(Date.now() - begun).toBeLessThan(5000)
    await within(10_000, ended)
    expect(await others).toBe("finished\n")
    await session.close()
  },
)

test("what a cancelled step has made is not taken for its result", async () => {
  const mark = marked()
  const made = (client: Client) =>
    step(client, `echo half > /made; sleep ${mark.replace(/^\d+/, "2")}; echo whole > /made`)
  const { client, engine: session } = await engine.open()
  const cancelled = made(client).sync()
  cancelled.catch(() => {})
  await untilRunning(mark.replace(/^\d+/, "2"))
  await session.close()
  expect(await engine.session((c) => made(c).file("/made").contents())).toBe("whole\n")
})

test("a prune during a run makes it slower at most", async () => {
  let over = false
  const run = engine.session(async (client) => {
    let container = client.container().from(base)
    for (let i = 0; i < 9; i++) {
      container = container.withExec(["sh", "-c", `sleep 0.2; echo ${i} >> /steps`])
      // Asked for one by one: between them nothing holds on to what was made.
      if (i % 3 === 2) await container.sync()
    }
    return container.file("/steps").contents()
  })
  const prunes = (async () => {
    let count = 0
    while (!over) {
      await engine.prune()
      count++
    }
    return count
  })()
  const steps = await run.finally(() => {
    over = true
  })
  expect(steps).toBe(`${Array.from({ length: 9 }, (_, i) => i).join("\n")}\n`)
  expect(await prunes).toBeGreaterThan(2)
})

test("two builds of the tool take turns on one state, and know what the other has made", async () => {
  const other = { ...engine.env, PYLINE_ENGINE_BUNDLE: `${engine.bundle}.other.mjs` }
  copyFileSync(engine.bundle, other.PYLINE_ENGINE_BUNDLE)
  appendFileSync(other.PYLINE_ENGINE_BUNDLE, "\n// Another build.\n")
  const theirs = engine.with(other)
  const made = await engine.session((client) => step(client, word("versions")).stdout())
  const first = (await engine.status()).pid
  // The newer one replaces an engine that nobody uses.
  expect(await theirs.session((client) => step(client, word("versions")).stdout())).toBe(made)
  const second = (await engine.status()).pid
  expect(second).not.toBe(first)
  // And the other way round, while it is busy: it is waited for, and not disturbed.
  const mark = marked()
  const { client, engine: busy } = await theirs.open()
  const working = step(client, `sleep ${mark} & sleep 3; kill $!; echo finished`).stdout()
  await untilRunning(mark)
  const waiting = engine.session((c) => step(c, word("versions")).stdout())
  expect(await working).toBe("finished\n")
  expect((await engine.status()).pid).toBe(second)
  await busy.close()
  expect(await within(20_000, waiting)).toBe(made)
  expect((await engine.status()).pid).not.toBe(second)
})
