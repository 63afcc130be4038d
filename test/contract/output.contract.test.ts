import { readFileSync } from "node:fs"
import type { Client } from "@dagger.io/dagger"
import { expect, test } from "vitest"
import { describeEngines, sh, WORD } from "./engines.ts"

/** Prints so many megabytes in lines of 100 bytes. */
const lines = (megabytes: number) =>
  `import sys\nline = b"x" * 99 + b"\\n"\nfor _ in range(${megabytes} * 100): sys.stdout.buffer.write(line * 100)`

describeEngines("output", (bench) => {
  test("of 100 MB does not have to fit into memory", async () => {
    await bench.engine.session(async (client) => {
      const c = bench.fresh(client).withExec(["python3", "-c", lines(100)])
      expect(await c.exitCode()).toBe(0)
      const peak = await bench.engine.peak?.()
      if (peak !== undefined) expect(peak / 1e6).toBeLessThan(400)
      expect((await c.stdout()).length).toBe(100_000_000)
    })
  })

  test("of one line of 50 MB arrives whole", async () => {
    await bench.engine.session(async (client) => {
      const c = bench
        .fresh(client)
        .withExec(["python3", "-c", "import sys; sys.stdout.write('y' * 50_000_000)"])
      expect((await c.stdout()).length).toBe(50_000_000)
    })
  })

  test("of a failed step is shown by its end", async () => {
    await bench.engine.session(async (client) => {
      const c = bench
        .fresh(client)
        .withExec(["python3", "-c", `${lines(1)}\nprint("the end"); sys.exit(1)`])
      const error = await c.sync().catch((e) => e)
      expect(error.stdout).toMatch(/^\[omitting \d+ bytes\]\.\.\.x/)
      expect(error.stdout).toMatch(/the end$/)
      expect(error.stdout.length).toBeLessThan(110_000)
    })
  })

  test("that is no text is kept in files, and shown with replacement characters", async () => {
    await bench.engine.session(async (client) => {
      const c = sh(bench.fresh(client), "printf 'a\\377\\000b' | tee /raw")
      expect(await c.stdout()).toBe("a\ufffd\0b")
      await c.file("/raw").export(`${bench.dir}/raw`)
      expect([...readFileSync(`${bench.dir}/raw`)]).toEqual([0x61, 0xff, 0, 0x62])
    })
  })
})

describeEngines("a session that ends", (bench) => {
  test("does not end a step that another session waits for", async () => {
    const ask = (client: Client) => sh(bench.fresh(client), `sleep 3; ${WORD}`)
    const leaving = bench.engine.session(async (client) => {
      ask(client)
        .sync()
        .catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 1000))
    })
    const staying = bench.engine.session((client) => ask(client).stdout())
    await leaving
    expect(await staying).toMatch(/^[0-9a-f]{24}$/)
  })

  test("ends what it started, and leaves others alone", async () => {
    const other = bench.engine.session((client) =>
      sh(bench.fresh(client), `sleep 4; ${WORD}`).stdout(),
    )
    const begun = Date.now()
    await bench.engine.session(async (client) => {
      const c = sh(bench.fresh(client), "echo started; sleep 300")
      c.sync().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 1500))
    })
    expect(Date.now() - begun).toBeLessThan(30_000)
    expect(await other).toMatch(/^[0-9a-f]{24}$/)
  })
})
