import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { appendFileSync, readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { control, stateDir } from "../../engine/client.ts"
import { example, lastLine, pyline, root } from "./pyline.ts"

/** How often something is killed: a few times in CI, hundreds with `PYLINE_KILLS=200`. */
const KILLS = Number(process.env["PYLINE_KILLS"] ?? 8)

/** Numbers that are the same in each run with the same seed, so that a failure can be seen again. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Processes that belong to the engine of this state folder, by what their command lines name. */
function processes(): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()
        return command.includes(stateDir()) || command.includes("/.pyline/shim")
          ? [`${pid} ${command}`]
          : []
      } catch {
        return []
      }
    })
}

const mounts = () =>
  readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(stateDir()))

test(`${KILLS} kills of the command or the engine at random moments need no hand`, async () => {
  const source = example("library-src")
  const first = await pyline(["test", "--source", source])
  expect(first.exitCode, first.all).toBe(0)
  const verdict = lastLine(first.stdout).replace(/ in .*/, "")
  const next = random(20_260_101)
  for (let kill = 0; kill < KILLS; kill++) {
    appendFileSync(path.join(source, "src/edited.py"), `KILL = "${randomUUID()}"\n`)
    const run = spawn(path.join(root, "pyline"), ["test", "--source", source], {
      stdio: "ignore",
      detached: true,
    })
    const ended = new Promise((resolve) => run.once("exit", resolve))
    await sleep(next() * 2500)
    if (next() < 0.5) {
      run.kill("SIGKILL")
    } else {
      const { pid } = await control({ type: "status" })
      if (pid) process.kill(pid, "SIGKILL")
    }
    await Promise.race([
      ended,
      sleep(10_000).then(() => {
        throw new Error(`kill ${kill}: the command did not end within 10 s`)
      }),
    ])
    const after = await pyline(["test", "--source", source])
    expect(after.exitCode, `after kill ${kill}:\n${after.all}`).toBe(0)
    expect(lastLine(after.stdout).replace(/ in .*/, "")).toBe(verdict)
  }
}, 3_600_000)

test("a killed engine leaves no process and no mount", async () => {
  const source = example("library-src")
  appendFileSync(
    path.join(source, "tests/test_slow.py"),
    `def test_slow():\n    import time\n    time.sleep(30)  # ${randomUUID()}\n`,
  )
  const run = spawn(path.join(root, "pyline"), ["test", "--source", source], { stdio: "ignore" })
  const ended = new Promise<number | null>((resolve) => run.once("exit", resolve))
  await sleep(4000)
  expect(processes().some((p) => p.includes("/.pyline/shim"))).toBe(true)
  const { pid } = await control({ type: "status" })
  process.kill(pid ?? 0, "SIGKILL")
  expect(await ended).toBe(3)
  await sleep(1000)
  expect(processes()).toEqual([])
  expect(mounts()).toEqual([])
})

test("a killed command ends its steps, and the engine goes on", async () => {
  const source = example("library-src")
  appendFileSync(
    path.join(source, "tests/test_slow.py"),
    `def test_slow():\n    import time\n    time.sleep(60)  # ${randomUUID()}\n`,
  )
  const warm = await pyline(["plan", "--source", source])
  expect(warm.exitCode, warm.all).toBe(0)
  const run = spawn(path.join(root, "pyline"), ["test", "--source", source], { stdio: "ignore" })
  await sleep(5000)
  expect(processes().some((p) => p.includes("/.pyline/shim"))).toBe(true)
  run.kill("SIGKILL")
  await expect
    .poll(() => processes().filter((p) => p.includes("/.pyline/shim")), { timeout: 60_000 })
    .toEqual([])
  expect((await control({ type: "status" })).running).toBe(true)
})
