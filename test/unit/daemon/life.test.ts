import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest"
import { control, type EngineSession, openSession } from "../../../engine/client.ts"
import { enginePaths, makeDirs } from "../../../engine/daemon/paths.ts"
import { emptyConfig, saveConfig } from "../../../engine/setup/config.ts"
import { toolsFor, toolsKey } from "../../../engine/setup/tools.ts"
import { bundleEngine } from "./bundle.ts"
import { script, temporaryDir } from "./temporary.ts"

// The real daemon in a process of its own. It starts BuildKit at the first use only: never here.

vi.setConfig({ testTimeout: 30_000 })

const programs = mkdtempSync(join(tmpdir(), "pyline-test-"))
const main = join(programs, "engine.mjs")
beforeAll(() => bundleEngine(main))
afterAll(() => rmSync(programs, { recursive: true }))

beforeEach(() => {
  const state = temporaryDir()
  vi.stubEnv("PYLINE_STATE_DIR", state)
  vi.stubEnv("PYLINE_ENGINE_BUNDLE", main)
  vi.stubEnv("BUILDKIT_HOST", undefined)
  vi.stubEnv("PYLINE_IDLE_TIMEOUT", undefined)
  onTestFinished(async () => {
    await control({ type: "stop" }).catch(() => {})
    vi.unstubAllEnvs()
  })
  // A machine that is set up: nothing is built or fetched by these tests.
  const paths = enginePaths()
  const bin = join(paths.bin, "ready")
  for (const tool of toolsFor({ origin: "built" })) script(bin, tool, "exit 1")
  saveConfig(paths, {
    ...emptyConfig(paths),
    key: toolsKey(),
    bin,
    probes: { "docker.io": { answers: true, at: "" } },
  })
})

const reports: string[] = []
beforeEach(() => {
  reports.length = 0
})

function open(): Promise<EngineSession> {
  return openSession({
    cwd: "/",
    onEvent: () => {},
    resolveSecret: async () => "",
    report: ({ step, detail }) => {
      reports.push(`${step}: ${detail}`)
      if (/^(build|make) /.test(step)) throw new Error(`these tests are not to ${step}`)
    },
  })
}

async function status() {
  return control({ type: "status" })
}

function isAlive(pid: number): boolean {
  try {
    // A zombie is dead: nobody may be there to wait for it.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}

test("the first client starts it, the next share it, and opening is quick then", async () => {
  expect(await status()).toMatchObject({ running: false })
  const first = await open()
  const { pid } = await status()
  const begun = performance.now()
  const second = await open()
  expect(performance.now() - begun).toBeLessThan(200)
  expect(second.port).toBe(first.port)
  expect(second.token).not.toBe(first.token)
  expect(await status()).toMatchObject({ running: true, pid, buildkit: { running: false } })
  expect((await status()).sessions).toHaveLength(2)
  await first.close()
  await second.close()
  expect((await status()).sessions).toEqual([])
})

test("clients that come at once get one engine", async () => {
  const sessions = await Promise.all([open(), open(), open(), open()])
  expect(new Set(sessions.map(({ port }) => port)).size).toBe(1)
  expect((await status()).sessions).toHaveLength(4)
  const log = readFileSync(enginePaths().log, "utf8")
  expect(log.match(/ serves, pid/g)).toHaveLength(1)
})

test("only its owner can reach the socket", async () => {
  await open()
  const { socket, state } = enginePaths()
  expect(statSync(socket).mode & 0o777).toBe(0o600)
  expect(statSync(state).mode & 0o777).toBe(0o700)
})

test("the token opens the session while it lasts, and nothing else does", async () => {
  const session = await open()
  const ask = (token: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${session.port}/query`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Basic ${btoa(`${token}:`)}`,
        ...headers,
      },
      body: JSON.stringify({ query: "{__typename}" }),
    }).then(({ status }) => status)
  expect(await ask(session.token)).toBe(200)
  expect(await ask("0".repeat(64))).toBeGreaterThanOrEqual(400)
  expect(await ask(session.token, { origin: "https://page.test" })).toBeGreaterThanOrEqual(400)
  await session.close()
  expect(await ask(session.token)).toBeGreaterThanOrEqual(400)
})

test("a client hears at once when the engine is killed, and the next command starts a new one", async () => {
  const session = await open()
  const { pid } = await status()
  const begun = performance.now()
  process.kill(pid as number, "SIGKILL")
  const lost = await session.lost
  expect(performance.now() - begun).toBeLessThan(1000)
  expect(lost).toMatchObject({
    code: "ENGINE_LOST",
    message: "The engine ended while it worked for this run: it was killed, or crashed.",
    log: enginePaths().log,
  })
  // The dead one's socket is still there.
  expect(statSync(enginePaths().socket).isSocket()).toBe(true)
  const next = await open()
  expect((await status()).pid).not.toBe(pid)
  await next.close()
})

test("stop answers when everything has ended, and tells who still worked", async () => {
  const session = await open()
  const { pid } = await status()
  expect(await control({ type: "stop" })).toEqual({ type: "stopped", running: true })
  expect(await session.lost).toMatchObject({
    code: "ENGINE_STOPPED",
    message: "The engine was stopped.",
  })
  await expect.poll(() => isAlive(pid as number)).toBe(false)
  expect(await control({ type: "stop" })).toEqual({ type: "stopped", running: false })
})

test("an idle engine ends by itself", async () => {
  vi.stubEnv("PYLINE_IDLE_TIMEOUT", "0.2s")
  const session = await open()
  const { pid } = await status()
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(isAlive(pid as number)).toBe(true)
  await session.close()
  await expect.poll(() => isAlive(pid as number), { timeout: 20_000 }).toBe(false)
})

test("an engine of another build gives way when it is idle", async () => {
  await (await open()).close()
  const { pid } = await status()
  vi.stubEnv("PYLINE_ENGINE_BUNDLE", otherBuild())
  const session = await open()
  expect((await status()).pid).not.toBe(pid)
  expect(isAlive(pid as number)).toBe(false)
  await session.close()
})

test("an engine of another build is waited for while it is busy", async () => {
  const busy = await open()
  const { pid } = await status()
  vi.stubEnv("PYLINE_ENGINE_BUNDLE", otherBuild())
  const waiting = open()
  await expect
    .poll(() => reports.at(-1))
    .toMatch(
      /^wait for the engine: another build of the engine \(.*\) is busy for process \d+ in \/; waiting until it is done \("pyline engine stop" ends it\)$/,
    )
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(isAlive(pid as number)).toBe(true)
  await busy.close()
  const session = await waiting
  expect((await status()).pid).not.toBe(pid)
  await session.close()
})

test("an engine that gave way to another before its own client came is started again", async () => {
  const seen = join(temporaryDir(), "seen")
  const bundle = join(temporaryDir(), "engine.mjs")
  writeFileSync(
    bundle,
    `import { existsSync, writeFileSync } from "node:fs"
if (!existsSync(${JSON.stringify(seen)})) {
  writeFileSync(${JSON.stringify(seen)}, "")
  process.exit(0)
}
await import(${JSON.stringify(main)})
`,
  )
  vi.stubEnv("PYLINE_ENGINE_BUNDLE", bundle)
  await (await open()).close()
  expect((await status()).running).toBe(true)
})

test("a copy of the same build shares the engine", async () => {
  await (await open()).close()
  const { pid } = await status()
  const copy = join(temporaryDir(), "engine.mjs")
  writeFileSync(copy, readFileSync(main))
  vi.stubEnv("PYLINE_ENGINE_BUNDLE", copy)
  await (await open()).close()
  expect((await status()).pid).toBe(pid)
})

test("an engine whose state directory is taken away ends", async () => {
  await (await open()).close()
  const { pid } = await status()
  rmSync(enginePaths().state, { recursive: true })
  await expect.poll(() => isAlive(pid as number), { timeout: 10_000, interval: 50 }).toBe(false)
})

test("an engine that cannot start says why", async () => {
  const broken = join(temporaryDir(), "broken.mjs")
  writeFileSync(broken, "throw new TypeError('no luck today')")
  vi.stubEnv("PYLINE_ENGINE_BUNDLE", broken)
  await expect(open()).rejects.toMatchObject({
    code: "ENGINE_START",
    message: "The engine could not be started: it exited with code 1.\nTypeError: no luck today",
    log: enginePaths().log,
  })
})

test("an engine that cannot listen ends, and says why", async () => {
  const { socket } = enginePaths()
  mkdirSync(join(socket, "in-the-way"), { recursive: true })
  await expect(open()).rejects.toMatchObject({
    code: "ENGINE_START",
    message: expect.stringMatching(
      /: it exited with code 1\.\n.* the engine cannot listen: .*engine\.sock/,
    ),
  })
})

test("a state directory that is too deep for a socket", async () => {
  const { config } = enginePaths()
  const ready = JSON.parse(readFileSync(config, "utf8"))
  vi.stubEnv("PYLINE_STATE_DIR", join(temporaryDir(), "deep".repeat(30)))
  const paths = enginePaths()
  onTestFinished(() => rmSync(paths.sockets, { recursive: true, force: true }))
  makeDirs(paths)
  saveConfig(paths, ready)
  await (await open()).close()
  expect((await status()).state).toBe(paths.state)
  await control({ type: "stop" })
})

/** Another program that does the same. */
function otherBuild(): string {
  const path = join(temporaryDir(), "other.mjs")
  writeFileSync(path, `${readFileSync(main)}\n// another build\n`)
  return path
}
