import { type Client, ExecError, ReturnType } from "@dagger.io/dagger"
import { expect, test } from "vitest"
import { describeEngines, sh, WORD } from "./engines.ts"

const caught = async (work: Promise<unknown>): Promise<ExecError> => {
  const error = await work.then(
    () => undefined,
    (e) => e,
  )
  if (!(error instanceof ExecError)) throw error ?? new Error("nothing was thrown")
  return error
}

describeEngines("a step", (bench) => {
  test("gives what it printed, stream by stream", async () => {
    await bench.engine.session(async (client) => {
      const c = sh(bench.fresh(client), "echo to stdout; echo to stderr >&2; printf 'no end'")
      expect(await c.stdout()).toBe("to stdout\nno end")
      expect(await c.stderr()).toBe("to stderr\n")
      expect(await c.exitCode()).toBe(0)
    })
  })

  test("that fails throws what it said and how it ended", async () => {
    await bench.engine.session(async (client) => {
      const c = sh(bench.fresh(client), "echo working; echo broken >&2; exit 12")
      const error = await caught(c.stdout())
      expect(error.exitCode).toBe(12)
      expect(error.stdout).toBe("working")
      expect(error.stderr).toBe("broken")
      expect(error.message).toContain("exit code: 12")
      // Whatever is asked of what would come after it fails with the same.
      expect((await caught(c.file("/etc/hostname").contents())).exitCode).toBe(12)
      expect((await caught(c.withExec(["true"]).sync())).exitCode).toBe(12)
    })
  })

  test("may be let end in any way", async () => {
    await bench.engine.session(async (client) => {
      const c = sh(bench.fresh(client), "echo red > /result; exit 3", { expect: ReturnType.Any })
      expect(await c.exitCode()).toBe(3)
      expect(await c.file("/result").contents()).toBe("red\n")
    })
  })

  test("that dies by a signal has failed, whatever was expected", async () => {
    await bench.engine.session(async (client) => {
      const c = sh(bench.fresh(client), "kill -9 $$", { expect: ReturnType.Any })
      expect((await caught(c.sync())).exitCode).toBe(137)
    })
  })

  test("whose command is not there says so", async () => {
    await bench.engine.session(async (client) => {
      const error = await caught(bench.fresh(client).withExec(["no-such-tool"]).sync())
      expect(error.exitCode).toBe(1)
      expect(error.stderr).toContain("no-such-tool")
    })
  })

  test("of an unknown user, or in a directory that cannot be, does not start", async () => {
    await bench.engine.session(async (client) => {
      const c = bench.fresh(client)
      expect((await caught(c.withUser("nobody-here").withExec(["id"]).sync())).exitCode).toBe(-1)
      const file = c.withNewFile("/file", "").withWorkdir("/file/below")
      expect((await caught(file.withExec(["pwd"]).sync())).exitCode).not.toBe(0)
    })
  })
})

describeEngines("the cache", (bench) => {
  const word = (client: Client) => sh(bench.fresh(client), WORD)

  test("answers a step that ran, in this session and in the next", async () => {
    const { session } = bench.engine
    const [one, two] = await session(async (c) => [await word(c).stdout(), await word(c).stdout()])
    expect(one).toMatch(/^[0-9a-f]{24}$/)
    expect(two).toBe(one)
    expect(await session((c) => word(c).stdout())).toBe(one)
  })

  test("runs a step again whose inputs changed", async () => {
    await bench.engine.session(async (client) => {
      const one = await word(client).stdout()
      const others = [
        sh(bench.fresh(client).withEnvVariable("A", "b"), WORD),
        sh(bench.fresh(client).withNewFile("/new", ""), WORD),
        sh(bench.fresh(client).withUser("nobody"), WORD),
        sh(bench.fresh(client).withWorkdir("/tmp"), WORD),
        sh(bench.fresh(client).withMountedTemp("/t"), WORD),
        sh(bench.fresh(client).withMountedCache("/c", client.cacheVolume(bench.nonce)), WORD),
        sh(bench.fresh(client).withMountedCache("/c", client.cacheVolume("other")), WORD),
      ]
      const words = await Promise.all(others.map((c) => c.stdout()))
      expect(new Set([one, ...words]).size).toBe(others.length + 1)
    })
  })

  test("keeps no failure, but what came before it", async () => {
    await bench.engine.session(async (client) => {
      const before = sh(bench.fresh(client), `${WORD} > /kept`)
      const failing = () => caught(sh(before, `cat /kept; echo; ${WORD}; exit 1`).sync())
      const [one, two] = [await failing(), await failing()]
      const [kept, word] = one.stdout.split("\n")
      expect(two.stdout.split("\n")[0]).toBe(kept)
      expect(two.stdout.split("\n")[1]).not.toBe(word)
      expect(await before.file("/kept").contents()).toBe(kept)
    })
  })

  test("leaves out what is declared volatile", async () => {
    await bench.engine.session(async (client) => {
      const run = (value: string) =>
        sh(bench.fresh(client).withVolatileVariable("BUILD", value), `echo $BUILD; ${WORD}`)
      const one = await run("1").stdout()
      expect(one).toMatch(/^1\n/)
      expect(await run("2").stdout()).toBe(one)
    })
  })

  test("is one for equal directories of the machine, wherever and whenever they were written", async () => {
    const { mkdirSync, utimesSync, writeFileSync } = await import("node:fs")
    const write = (name: string, text: string) => {
      mkdirSync(`${bench.dir}/${name}`)
      writeFileSync(`${bench.dir}/${name}/f`, text)
    }
    write("a", "same")
    write("b", "same")
    write("c", "else")
    utimesSync(`${bench.dir}/b/f`, 1, 1)
    await bench.engine.session(async (client) => {
      const run = (name: string) =>
        sh(
          bench
            .fresh(client)
            .withMountedDirectory("/x", client.host().directory(`${bench.dir}/${name}`)),
          WORD,
        ).stdout()
      const one = await run("a")
      expect(await run("b")).toBe(one)
      expect(await run("c")).not.toBe(one)
    })
  })
})

describeEngines("side by side", (bench) => {
  test("eight clients ask for one graph: each step runs once", async () => {
    const ask = (client: Client) => {
      const first = sh(bench.fresh(client), `sleep 1; ${WORD} > /one`)
      return sh(first, `cat /one; ${WORD}`).stdout()
    }
    const sessions = Array.from({ length: 8 }, () => bench.engine.session(ask))
    expect(new Set(await Promise.all(sessions)).size).toBe(1)
  })

  test("branches that were never run run at the same time", async () => {
    await bench.engine.session(async (client) => {
      const branch = async (name: string) => {
        const c = sh(
          bench.fresh(client).withEnvVariable("BRANCH", name),
          "date +%s%N; sleep 3; date +%s%N",
        )
        return (await c.stdout()).trim().split("\n").map(Number) as [number, number]
      }
      const [a, b] = await Promise.all([branch("left"), branch("right")])
      expect(Math.max(a[0], b[0])).toBeLessThan(Math.min(a[1], b[1]))
    })
  })
})
