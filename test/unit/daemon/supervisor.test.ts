import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, expect, onTestFinished, test, vi } from "vitest"
import { Supervisor } from "../../../engine/buildkit/supervisor.ts"
import type { EngineError } from "../../../engine/daemon/error.ts"
import { enginePaths, makeDirs, type Paths } from "../../../engine/daemon/paths.ts"
import { emptyConfig } from "../../../engine/setup/config.ts"
import { script, temporaryDir } from "./temporary.ts"

// BuildKit and the bridge are small scripts here, in real namespaces: how they die is what is tested.
// The real ones are for the contract tests.

vi.setConfig({ testTimeout: 20_000 })
// The daemon's log.
beforeAll(() => void vi.spyOn(process.stderr, "write").mockReturnValue(true))
const rootTest = test.skipIf(process.getuid?.() !== 0)

interface Machine {
  paths: Paths
  supervisor: Supervisor
  warnings: string[]
}

/** `serve` is what buildkitd does, a shell script with $root; `bad` in the root is a broken state. */
function machine(serve: string): Machine {
  const paths = enginePaths(temporaryDir())
  makeDirs(paths)
  const config = emptyConfig(paths)
  script(config.bin, "buildkitd", `root=${paths.buildkitRoot}\n${serve}`)
  const answers = join(config.bin, "bridge.mjs")
  mkdirSync(config.bin, { recursive: true })
  // Connects when buildkitd has said that it is ready.
  writeFileSync(
    answers,
    `import { existsSync } from "node:fs"
     import { createInterface } from "node:readline"
     createInterface({ input: process.stdin }).on("line", (line) => {
       const { id, method } = JSON.parse(line)
       const send = (message) => process.stdout.write(JSON.stringify({ id, ...message }) + "\\n")
       if (method === "diskUsage") return
       if (method === "solve") {
         const bad = existsSync("${paths.buildkitRoot}/bad")
         if (bad) send({ error: { code: "SOLVE", message: "parent snapshot x does not exist: not found" } })
         else send({ result: { executed: [], cached: [], targets: [] } })
         return
       }
       const wait = setInterval(() => {
         if (!existsSync("${paths.buildkitRoot}/ready")) return
         clearInterval(wait)
         send({ result: { version: "v1", platforms: [], workers: [] } })
       }, 5)
     }).on("close", () => process.exit())`,
  )
  script(config.bin, "bridge", `exec ${process.execPath} ${answers}`)
  const warnings: string[] = []
  const supervisor = new Supervisor({
    paths,
    config: () => config,
    env: process.env,
    warn: (text) => warnings.push(text.replaceAll(paths.state, "<state>")),
  })
  onTestFinished(() => supervisor.stop())
  return { paths, supervisor, warnings }
}

// Process 1 of a namespace only gets the signals it handles.
const serves = 'trap "exit 0" TERM; touch "$root/ready"; sleep 1000 & wait'

/** Processes whose command line has this text. */
function processes(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text) ? [Number(pid)] : []
      } catch {
        return []
      }
    })
}

rootTest("it starts when it is asked for, once", async () => {
  const { supervisor, paths } = machine(`echo start >> "$root/starts"; ${serves}`)
  expect(supervisor.status()).toEqual({ running: false, origin: "built" })
  const [first, second] = await Promise.all([supervisor.bridge(), supervisor.bridge()])
  expect(first).toBe(second)
  expect(supervisor.status()).toMatchObject({ running: true, version: "v1", origin: "built" })
  expect(readFileSync(join(paths.buildkitRoot, "starts"), "utf8")).toBe("start\n")
})

rootTest("nothing is left after a stop", async () => {
  const { supervisor, paths } = machine(serves)
  await supervisor.bridge()
  expect(processes(paths.state)).not.toEqual([])
  await supervisor.stop()
  expect(processes(paths.state)).toEqual([])
  await expect(supervisor.bridge()).rejects.toThrow("The engine is being stopped.")
})

rootTest("its mounts are nowhere but in its own namespace", async () => {
  const { supervisor, paths } = machine(`touch "$TMPDIR/scratch"
    grep -o "$TMPDIR" /proc/self/mounts > "$root/mounts"; ${serves}`)
  await supervisor.bridge()
  expect(readFileSync(join(paths.buildkitRoot, "mounts"), "utf8")).toBe(`${paths.tmp}\n`)
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(paths.state)
  expect(readdirSync(paths.tmp)).toEqual([])
})

rootTest(
  "when BuildKit is killed what runs fails clearly, and the next use starts it again",
  async () => {
    const { supervisor, warnings, paths } = machine(`echo $$ > "$root/inner"; ${serves}`)
    const bridge = await supervisor.bridge()
    const running = bridge.diskUsage()
    const [unshare] = processes(`unshare\0--mount`).filter((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(paths.state),
    )
    process.kill(unshare as number, "SIGKILL")
    await expect(running).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: "BuildKit was killed (SIGKILL) while the engine used it.",
    })
    const again = await supervisor.bridge()
    expect(again).not.toBe(bridge)
    expect(warnings).toEqual([
      "BuildKit was killed (SIGKILL) while the engine used it. It is started again when it is needed; log: <state>/buildkitd.log",
    ])
  },
)

rootTest("when the bridge is killed both are started anew", async () => {
  const { supervisor, warnings } = machine(serves)
  const bridge = await supervisor.bridge()
  const running = bridge.diskUsage()
  process.kill(bridge.pid as number, "SIGKILL")
  await expect(running).rejects.toThrow("its bridge was killed (SIGKILL)")
  expect(await supervisor.bridge()).not.toBe(bridge)
  expect(warnings).toHaveLength(1)
})

rootTest("a state that BuildKit cannot start with is put aside, with one warning", async () => {
  const { supervisor, warnings, paths } = machine(`
    if [ -e "$root/bad" ]; then echo "panic: freepages: failed to get all reachable pages" >&2; exit 2; fi
    ${serves}`)
  mkdirSync(paths.buildkitRoot)
  writeFileSync(join(paths.buildkitRoot, "bad"), "")
  mkdirSync(`${paths.buildkitRoot}.broken-1`)
  await supervisor.bridge()
  expect(warnings.map((text) => text.replace(/broken-\d+/, "broken-N"))).toEqual([
    "The build cache looked broken (BuildKit could not start with it): it was moved to <state>/buildkit.broken-N and a new one started. Everything is built anew; delete the old one when you do not want to look into it.",
  ])
  const aside = () => readdirSync(paths.state).filter((name) => name.startsWith("buildkit.broken"))
  // Only the newest is kept.
  await expect.poll(() => aside().length).toBe(1)
  expect(existsSync(join(paths.state, aside()[0] as string, "bad"))).toBe(true)
})

rootTest(
  "a state that contradicts itself is put aside, and what failed is made again",
  async () => {
    const { supervisor, warnings, paths } = machine(serves)
    const bridge = await supervisor.bridge()
    const bad = join(paths.buildkitRoot, "bad")
    writeFileSync(bad, "")
    const solve = () => bridge.solve({ ops: [], targets: [] })
    const results = await Promise.all([solve(), solve(), solve()])
    expect(results.map(({ executed }) => executed)).toEqual([[], [], []])
    expect(warnings.map((text) => text.replace(/broken-\d+/, "broken-N"))).toEqual([
      "The build cache looked broken (its records do not fit its files): it was moved to <state>/buildkit.broken-N and a new one started. Everything is built anew; delete the old one when you do not want to look into it.",
    ])
    // If the new one breaks as well it is not the state: it stays, and the error is told.
    writeFileSync(bad, "")
    const again = await supervisor.bridge()
    await expect(again.solve({ ops: [], targets: [] })).rejects.toThrow("parent snapshot x")
    expect(existsSync(bad)).toBe(true)
  },
)

rootTest("a state is left alone when a new one does not help either", async () => {
  const { supervisor, paths } = machine('echo "cannot find my libraries" >&2; exit 2')
  mkdirSync(paths.buildkitRoot)
  writeFileSync(join(paths.buildkitRoot, "precious"), "")
  const error: EngineError = await supervisor.bridge().catch((error) => error)
  expect(error.message).toBe(
    "BuildKit exited with code 2 before it served.\ncannot find my libraries",
  )
  expect(error).toMatchObject({ code: "BUILDKIT_START", log: paths.buildkitLog })
  expect(existsSync(join(paths.buildkitRoot, "precious"))).toBe(true)
  expect(readdirSync(paths.state).filter((name) => name.startsWith("buildkit.broken"))).toEqual([])
})

rootTest("a full disk is said to be one, and the state stays", async () => {
  const { supervisor, paths, warnings } = machine(
    'echo "write containerdmeta.db: no space left on device" >&2; exit 1',
  )
  await expect(supervisor.bridge()).rejects.toMatchObject({
    code: "DISK_FULL",
    message: "The disk is full, BuildKit cannot start.",
    log: paths.buildkitLog,
  })
  expect(warnings).toEqual([])
})

rootTest("a leftover of a dead engine is ended first", async () => {
  const { supervisor, paths } = machine(serves)
  mkdirSync(paths.buildkitRoot)
  const lock = join(paths.buildkitRoot, "buildkitd.lock")
  // As a real one: named buildkitd, with our configuration, holding BuildKit's lock.
  const idle = 'exec -a buildkitd "$0" -e "setInterval(() => {}, 1e6)" "$1"'
  const config = join(paths.state, "buildkitd.toml")
  const stray = spawn("flock", ["-F", lock, "bash", "-c", idle, process.execPath, config])
  onTestFinished(() => void stray.kill("SIGKILL"))
  const ended = once(stray, "exit")
  await expect.poll(() => readFileSync(`/proc/${stray.pid}/cmdline`, "utf8")).toMatch(/^buildkitd/)
  await supervisor.bridge()
  expect(await ended).toEqual([null, "SIGKILL"])
})
