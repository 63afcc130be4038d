import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { Bridge, BridgeError } from "../../../engine/buildkit/bridge.ts"
import { script, temporaryDir } from "./temporary.ts"

/** A program that speaks the bridge's protocol; `answer` is JavaScript with `request` and `send`. */
function bridge(answer: string, repair?: (layouts: string[]) => void): Bridge {
  const dir = temporaryDir()
  const program = join(dir, "bridge.mjs")
  writeFileSync(
    program,
    `import { createInterface } from "node:readline"
     const send = (message) => process.stdout.write(JSON.stringify(message) + "\\n")
     let calls = 0
     createInterface({ input: process.stdin }).on("line", (line) => {
       const request = JSON.parse(line)
       calls++
       ${answer}
     })`,
  )
  const path = script(dir, "bridge", `exec ${process.execPath} ${program}`)
  const started = Bridge.start(path, { log: 2, env: process.env, ...(repair ? { repair } : {}) })
  onTestFinished(() => started.fail("the test is over"))
  return started
}

const nothing = { ops: [], targets: [] }

test("events come before the result, each to its own request", async () => {
  const b = bridge(`
    const { id, params } = request
    send({ id, event: { log: { digest: params.ops[0], stream: 1, data: "" } } })
    if (calls === 2) for (const id of [2, 1]) send({ id, result: { executed: [String(id)] } })`)
  const seen: string[] = []
  const [first, second] = await Promise.all(
    ["a", "b"].map((op) =>
      b.solve({ ops: [op], targets: [] }, (event) => seen.push(`${op} ${event.log?.digest}`)),
    ),
  )
  expect(seen).toEqual(["a a", "b b"])
  expect([first?.executed, second?.executed]).toEqual([["1"], ["2"]])
})

test("an answer of 20 MB", async () => {
  const b = bridge(`send({ id: request.id, result: { bytes: "x".repeat(20 << 20) } })`)
  const { bytes } = await b.prune({})
  expect(String(bytes).length).toBe(20 << 20)
})

test("an error has the fields that the bridge gave it", async () => {
  const b = bridge(`
    send({ id: request.id, error: { code: "EXEC", message: "exit code: 3", exitCode: 3, vertex: "sha256:1" } })`)
  const error = await b.solve(nothing).catch((error) => error)
  expect(error).toBeInstanceOf(BridgeError)
  expect(error.message).toBe("exit code: 3")
  expect(error.failure).toMatchObject({ code: "EXEC", exitCode: 3, vertex: "sha256:1" })
})

test("an abort cancels the request and waits until it has ended", async () => {
  const b = bridge(`
    if (request.method === "cancel") {
      send({ id: request.id, result: {} })
      const id = request.params.request
      setTimeout(() => send({ id, error: { code: "CANCELED", message: "canceled" } }), 50)
    } else send({ id: request.id, event: {} })`)
  const abort = new AbortController()
  const begun = performance.now()
  const solving = b.solve(nothing, () => abort.abort(), abort.signal)
  await expect(solving).rejects.toMatchObject({ code: "CANCELED" })
  expect(performance.now() - begun).toBeGreaterThan(45)
  await expect(b.solve(nothing, undefined, abort.signal)).rejects.toMatchObject({
    code: "CANCELED",
  })
})

test("a bridge that dies fails everything that waits for it", async () => {
  const b = bridge(`if (calls === 2) process.kill(process.pid, "SIGKILL")`)
  const both = await Promise.allSettled([b.solve(nothing), b.diskUsage()])
  const why = "the connection to BuildKit broke: its bridge was killed (SIGKILL)"
  for (const result of both) expect((result as PromiseRejectedResult).reason.message).toBe(why)
  await expect(b.diskUsage()).rejects.toMatchObject({ code: "UNAVAILABLE", message: why })
  expect(b.alive).toBe(false)
})

test("a program that is not there", async () => {
  const b = Bridge.start("/nowhere/bridge", { log: 2, env: process.env })
  await expect(b.diskUsage()).rejects.toThrow("its bridge exited (code 127)")
})

test("a blob that was cut off is removed, and the solve tried again", async () => {
  const removed: string[][] = []
  const b = bridge(
    `
    if (calls > 2) send({ id: request.id, result: { executed: [] } })
    else send({ id: request.id, error: { code: "SOLVE", message: "failed to copy: unsupported offset" } })`,
    (layouts) => removed.push(layouts),
  )
  const solved = await b.solve({ ...nothing, ociLayouts: { base: "/images/base" } })
  expect(solved.executed).toEqual([])
  expect(removed).toEqual([["/images/base"], ["/images/base"]])
  const other = bridge(
    `send({ id: request.id, error: { code: "SOLVE", message: "unsupported offset" } })`,
  )
  await expect(other.solve(nothing)).rejects.toThrow("unsupported offset")
})
