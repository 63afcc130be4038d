import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { type Client, type Container, ExecError, type Service } from "@dagger.io/dagger"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { BASE, describeEngines, sh, WORD } from "./engines.ts"
import { OwnEngine } from "./servers/engine.ts"

const PORT = 8000
const serve = `exec python3 -u -m http.server ${PORT}`

/** A server that answers every request for `/index.html` with these words. */
const site = (base: Container, words: string, before = "true"): Service =>
  base
    .withNewFile("/srv/index.html", words)
    .withWorkdir("/srv")
    .withExposedPort(PORT)
    .asService({ args: ["sh", "-c", `${before}; ${serve}`] })

const GET =
  "import sys, urllib.request as u\nfor url in sys.argv[1:]: print(u.urlopen(url, timeout=10).read().decode(), end='')"

const get = (c: Container, ...hosts: string[]): Promise<string> =>
  c
    .withExec(["python3", "-c", GET, ...hosts.map((host) => `http://${host}:${PORT}/index.html`)])
    .stdout()

const caught = async (work: Promise<unknown>): Promise<ExecError> => {
  const error = await work.then(
    () => new Error("nothing was thrown"),
    (e) => e,
  )
  if (!(error instanceof ExecError)) throw error
  return error
}

describeEngines("a service", (bench) => {
  const session = <T>(work: (client: Client, base: Container) => Promise<T>) =>
    bench.engine.session((client) => work(client, bench.fresh(client)))

  test("is found by its alias, by what is bound to it alone", async () => {
    await session(async (_, base) => {
      const bound = base.withServiceBinding("www", site(base, "served"))
      expect(await get(bound, "www")).toBe("served")
      expect(await get(bound.withExec(["true"]), "www")).toBe("served")
      expect((await caught(get(base, "www"))).stderr).toMatch(
        /Name or service not known|resolution/,
      )
    })
  })

  test("has an address of its own: two may have one port", async () => {
    await session(async (_, base) => {
      const bound = base
        .withServiceBinding("one", site(base, "first "))
        .withServiceBinding("two", site(base, "second"))
      expect(await get(bound, "one", "two")).toBe("first second")
    })
  })

  test("may use another", async () => {
    await session(async (_, base) => {
      const relay = base
        .withServiceBinding("behind", site(base, "from behind"))
        .withNewFile("/get.py", GET)
        .withExposedPort(PORT)
        .asService({
          args: [
            "sh",
            "-c",
            `mkdir /srv2 && cd /srv2 && python3 /get.py http://behind:${PORT}/index.html > index.html && ${serve}`,
          ],
        })
      expect(await get(base.withServiceBinding("front", relay), "front")).toBe("from behind")
    })
  })

  test("is waited for until its port answers", async () => {
    await session(async (_, base) => {
      const slow = site(base, "late", "sleep 2")
      expect(await get(base.withServiceBinding("slow", slow), "slow")).toBe("late")
    })
  })

  test("that dies at its start fails what is bound to it", async () => {
    await session(async (_, base) => {
      const dying = base
        .withExposedPort(PORT)
        .asService({ args: ["sh", "-c", "echo out; echo dying >&2; exit 7"] })
      const alone = await caught(dying.start())
      expect([alone.exitCode, alone.stdout, alone.stderr]).toEqual([7, "out\n", "dying\n"])
      expect(alone.message).toBe("exit code: 7")
      const bound = await caught(sh(base.withServiceBinding("db", dying), "echo never").sync())
      expect(bound.exitCode).toBe(7)
      expect(bound.message).toMatch(/^start [0-9a-z]{13} \(aliased as db\): exit code: 7/)
    })
  })

  test("is waited for until its health check ends well, whatever its port does", async () => {
    await session(async (_, base) => {
      const healthy = (check: string[], options = {}) =>
        base
          .withNewFile("/srv/index.html", "healthy")
          .withEnvVariable("TELLS", "/tmp/up")
          .withWorkdir("/srv")
          .withExposedPort(PORT)
          .withDockerHealthcheck(check, { interval: "100ms", startPeriod: "60s", ...options })
          .asService({ args: ["sh", "-c", `(sleep 1; touch /tmp/up) & ${serve}`] })
      const look = (service: Service) =>
        base
          .withServiceBinding("www", service)
          .withEnvVariable("R", `${Math.random()}`)
          .withExec(["python3", "-c", GET, `http://www:${PORT}/index.html`])
          .stdout()
      expect(await look(healthy(["test", "-e", "/tmp/up"]))).toBe("healthy")
      expect(await look(healthy(["test -e $TELLS"], { shell: true }))).toBe("healthy")
    })
  })

  test("whose health check fails to the end fails what is bound to it", async () => {
    await session(async (_, base) => {
      const sick = base
        .withExposedPort(PORT)
        .withDockerHealthcheck(["sh", "-c", "echo sick; echo very >&2; exit 3"], {
          interval: "50ms",
          retries: 2,
        })
        .asService({ args: ["sleep", "60"] })
      const bound = await caught(sh(base.withServiceBinding("db", sick), "echo never").sync())
      expect([bound.exitCode, bound.stdout, bound.stderr]).toEqual([3, "sick\n", "very\n"])
      expect(bound.cmd).toEqual(["sh", "-c", "echo sick; echo very >&2; exit 3"])
      expect(bound.message).toMatch(/health check errored/)
    })
  })

  test("runs the entrypoint with what is given by default, but for default arguments of its own", async () => {
    await session(async (_, base) => {
      const words = (container: Container) =>
        get(base.withServiceBinding("s", container.withExposedPort(PORT).asService()), "s")
      const made = base.withNewFile("/srv/index.html", "entered").withWorkdir("/srv")
      const server = ["python3", "-u", "-m", "http.server"]
      const entered = made
        .withDefaultArgs([`${PORT}`])
        .withEntrypoint(server, { keepDefaultArgs: true })
      // These were given by name, and are all that runs.
      await expect(words(entered)).rejects.toThrow()
      expect(await words(made.withEntrypoint([...server, `${PORT}`]))).toBe("entered")
      expect(
        await words(made.withEntrypoint(["false"]).withDefaultArgs([...server, `${PORT}`])),
      ).toBe("entered")
    })
  })

  test("without a command, or without ports, says so", async () => {
    await session(async (client, base) => {
      await expect(client.container().asService().start()).rejects.toThrow("no command")
      const quiet = base.asService({ args: ["sleep", "60"] })
      await quiet.start()
      await expect(quiet.endpoint()).rejects.toThrow("no ports exposed")
      await quiet.stop({ kill: true })
    })
  })

  test("runs once in a session, for all that use it", async () => {
    const tokens = () =>
      session(async (_, base) => {
        const service = site(base, "", `${WORD} > /srv/index.html`)
        const ask = (n: number) =>
          get(
            base.withEnvVariable("ASK", `${n} ${Math.random()}`).withServiceBinding("s", service),
            "s",
          )
        return Promise.all([ask(1), ask(2), ask(3)])
      })
    const [one, other] = [await tokens(), await tokens()]
    expect(new Set(one).size).toBe(1)
    expect(new Set(other).size).toBe(1)
    expect(other[0]).not.toBe(one[0])
  })

  test("is not started for a step whose result is known", async () => {
    const volume = (client: Client) => client.cacheVolume(`starts-${bench.nonce}`)
    const run = () =>
      session(async (client, base) => {
        const marked = site(
          base.withMountedCache("/marks", volume(client)),
          "m",
          "mktemp /marks/XXXXXX",
        )
        return get(base.withServiceBinding("m", marked), "m")
      })
    expect([await run(), await run()]).toEqual(["m", "m"])
    const marks = await session((client, base) =>
      sh(base.withMountedCache("/marks", volume(client)), "ls /marks | wc -l").stdout(),
    )
    expect(marks.trim()).toBe("1")
  })

  test("counts for the key of a step by what it is and what it is called", async () => {
    await session(async (_, base) => {
      const word = (words: string, alias = "www") =>
        sh(base.withServiceBinding(alias, site(base, words)), WORD).stdout()
      const one = await word("a")
      expect(await word("a")).toBe(one)
      expect(await word("b")).not.toBe(one)
      expect(await word("a", "web")).not.toBe(one)
    })
  })

  test("has a name that stays, and an endpoint", async () => {
    await session(async (_, base) => {
      const service = site(base, "x")
      const name = await service.hostname()
      expect(await site(base, "x").hostname()).toBe(name)
      expect(await site(base, "y").hostname()).not.toBe(name)
      expect(await service.endpoint()).toBe(`${name}:${PORT}`)
      expect(await service.endpoint({ port: 81, scheme: "http" })).toBe(`http://${name}:81`)
      expect(await Promise.all((await service.ports()).map((p) => p.port()))).toEqual([PORT])
      const named = service.withHostname("chosen")
      expect(await named.endpoint()).toBe(`chosen:${PORT}`)
      expect(await get(base.withServiceBinding("alias", named), "chosen", "alias")).toBe("xx")
    })
  })

  test("is started and stopped by name, as often as one likes", async () => {
    await session(async (_, base) => {
      const service = site(base, "", `${WORD} > /srv/index.html`)
      const ask = () =>
        get(base.withEnvVariable("R", `${Math.random()}`).withServiceBinding("s", service), "s")
      await service.start()
      await service.start()
      const before = await ask()
      expect(await ask()).toBe(before)
      await service.stop()
      await service.stop({ kill: true })
      expect(await ask()).not.toBe(before)
    })
  })

  test("is reached from this machine through a tunnel", async () => {
    await session(async (client, base) => {
      const tunnel = await client.host().tunnel(site(base, "through")).start()
      const endpoint = await tunnel.endpoint({ scheme: "http" })
      expect(await (await fetch(`${endpoint}/index.html`)).text()).toBe("through")
      await tunnel.stop()
      await expect(fetch(`${endpoint}/index.html`)).rejects.toThrow()
    })
  })

  test("may be one of this machine", async () => {
    const server = createServer((_, response) => response.end("from the host"))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    try {
      await session(async (client, base) => {
        const service = client.host().service([{ backend: port, frontend: PORT }])
        expect(await get(base.withServiceBinding("h", service), "h")).toBe("from the host")
      })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})

describe.skipIf(process.env.PYLINE_ENGINE === "dagger")("services of the embedded engine", () => {
  let engine: OwnEngine
  beforeAll(async () => {
    engine = await OwnEngine.create()
  })
  afterAll(() => engine.remove())
  const base = (client: Client) =>
    client.container().from(BASE).withEnvVariable("NONCE", `${Math.random()}`)

  test("are shown as steps are", async () => {
    await engine.session(async (client, told) => {
      const service = site(base(client), "x", "echo hello from the service")
      await get(base(client).withServiceBinding("s", service), "s")
      await service.stop()
      const steps = told.events.flatMap((e) =>
        e.type === "step" && e.name.startsWith("service ") ? [e.status] : [],
      )
      expect(steps).toEqual(["running", "done"])
      expect(told.text()).toContain("hello from the service\n")
      expect(told.text()).toContain("GET /index.html")
    })
  })

  test("leave nothing behind, whatever ends the engine", async ({ skip }) => {
    const ours = () => {
      const file = path.join(engine.state, "cni.conflist")
      if (!existsSync(file)) skip("services have no network of their own on this machine")
      return JSON.parse(readFileSync(file, "utf8")).name as string
    }
    const traces = (bridge: string) =>
      [execFileSync("ip", ["-o", "link"]), execFileSync("iptables-save")]
        .join("\n")
        .split("\n")
        .filter((line) => line.includes(bridge))
    const ask = (client: Client) =>
      get(base(client).withServiceBinding("s", site(base(client), "x")), "s")
    await engine.session(async (client) => expect(await ask(client)).toBe("x"))
    const bridge = ours()
    const running = traces(bridge).filter((line) => !line.includes("veth"))
    const { pid } = (await engine.status()) as { pid: number }
    const killed = engine.session(async (client) => {
      await site(base(client), "x").start()
      process.kill(pid, "SIGKILL")
    })
    await killed.catch(() => {})
    // The next one takes what is there, and adds nothing to it.
    await engine.session(async (client) => expect(await ask(client)).toBe("x"))
    expect(traces(bridge).filter((line) => !line.includes("veth")).length).toBe(running.length)
    await engine.stop()
    expect(traces(bridge)).toEqual([])
  })

  test("have the ports of the machine in common where they can have no addresses", async () => {
    const poor = await OwnEngine.create({ config: { network: "host" } })
    try {
      await poor.session(async (client) => {
        const port = 18_000 + Math.floor(Math.random() * 10_000)
        const on = (words: string) =>
          base(client)
            .withNewFile("/srv/index.html", words)
            .withWorkdir("/srv")
            .withExposedPort(port)
            .asService({ args: ["python3", "-m", "http.server", `${port}`] })
        const url = `http://one:${port}/index.html`
        const bound = base(client).withServiceBinding("one", on("one"))
        expect(await bound.withExec(["python3", "-c", GET, url]).stdout()).toBe("one")
        await expect(
          base(client).withServiceBinding("two", on("two")).withExec(["true"]).sync(),
        ).rejects.toThrow(/port \d+ is in use by service \w+: .* because .* says so/)
      })
    } finally {
      await poor.remove()
    }
  })
})
