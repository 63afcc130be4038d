import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { DockerRegistry, hasDockerRegistry } from "../contract/servers/dockerRegistry.ts"
import { begin, drive } from "./docker/drive.ts"
import { dockerTools, Host } from "./docker/host.ts"
import { publish, pythonImage } from "./docker/images.ts"

// Debian 12 has no docker compose of this decade; built it takes minutes: docs/tests.md says how.
const plugin = process.env.PYLINE_DOCKER_COMPOSE ?? "/usr/libexec/docker/cli-plugins/docker-compose"
const hasPlugin = spawnSync(plugin, ["version"], { stdio: "ignore" }).status === 0
const found = hasDockerRegistry && hasPlugin ? dockerTools() : { why: "there is no docker compose" }
const tools = "tools" in found ? found.tools : ""
const why = "why" in found ? ` (skipped: ${found.why})` : ""
const CREATED = "2026-01-02T10:00:00+00:00"

let registry: DockerRegistry
let host: Host
const images: Record<string, string> = {}
const digestOf = (name: string) => images[name]?.split("@")[1] ?? ""

/** A service in a compose file of its own: with a port of the host, or without. */
function service(name: string, more: object) {
  const at = path.join(host.folder, name)
  mkdirSync(at)
  const compose = {
    services: {
      web: { image: "python", command: ["/usr/bin/python3", "/app/app.py"], ...more },
      other: {
        image: "python",
        command: ["/usr/bin/python3", "-c", "import time; time.sleep(900)"],
      },
    },
  }
  writeFileSync(path.join(at, "compose.yaml"), JSON.stringify(compose))
  const environment = {
    ...{ name, app: "shop", target: "compose", host: host.url, registry: `${registry.host}/shop` },
    ...{
      composeFile: path.join(at, "compose.yaml"),
      service: "web",
      health: "/healthz",
      port: 8000,
    },
    ...{
      healthTimeout: 10,
      timeout: 60,
      keep: 1,
      drain: 1,
      release: false,
      manual: false,
      order: 1,
    },
  }
  const request = (image: string) => ({
    ...{ environment, image: images[image], holder: { by: "ada", run: "" } },
  })
  return {
    deploy: (image: string) => drive(host, "deploy", request(image)),
    kill: async (image: string, after: string) => {
      const kill = { at: after, after: "end" } as const
      const { signal, printed } = await begin(host, "deploy", request(image), { kill }).ended
      expect(signal, `${after}: ${printed}`).toBe("SIGKILL")
    },
    on: (command: string) => drive(host, command, { environment, holder: { by: "ada" } }),
    containers: (of = "web") =>
      host.containers(
        ...["--filter", `label=com.docker.compose.project=${name}`],
        ...["--filter", `label=com.docker.compose.service=${of}`],
      ),
  }
}

describe.skipIf(why !== "")(`docker compose over ssh${why}`, () => {
  beforeAll(async () => {
    registry = await DockerRegistry.start({ login: true })
    host = await Host.start(tools, registry.host)
    const plugins = path.join(host.folder, "home/.docker/cli-plugins")
    mkdirSync(plugins, { recursive: true })
    copyFileSync(plugin, path.join(plugins, "docker-compose"))
    await pythonImage(host, "python")
    for (const [version, says] of Object.entries({
      one: {},
      two: {},
      ill: { ill: true },
      dies: { dies: true },
    }))
      images[version] = await publish(
        host,
        "python",
        `${registry.host}/shop`,
        { version, ...says },
        CREATED,
      )
  })
  afterAll(async () => {
    await host?.remove()
    await registry?.remove()
  })

  test("a service with a port of the host is put in the place of the other, and put back", async () => {
    const { deploy, kill, on, containers } = service("fixed", { ports: ["8080:8000"] })
    const version = async () =>
      ((await (await fetch(`http://127.0.0.1:${host.webPort}/`)).json()) as { version: string })
        .version
    const first = await deploy("one")
    expect(first, JSON.stringify(first)).toMatchObject({
      ok: true,
      after: { digest: digestOf("one") },
    })
    expect(await version()).toBe("one")
    const second = await deploy("two")
    expect(second, JSON.stringify(second)).toMatchObject({
      ok: true,
      before: { digest: digestOf("one") },
    })
    expect(second.printed).toContain(
      "web has a port of the host: it will be put in its place, and in between nothing answers",
    )
    expect(await deploy("dies")).toMatchObject({ ok: false, code: "unhealthy" })
    expect(await version()).toBe("two")
    for (const point of ["next.yaml", "up --detach", "mv next.yaml"]) {
      await kill("one", point)
      expect(await deploy("one"), point).toMatchObject({
        ok: true,
        after: { digest: digestOf("one") },
      })
      expect(await version(), point).toBe("one")
      expect(await containers(), point).toHaveLength(1)
      expect(await deploy("two")).toMatchObject({ ok: true })
    }
    expect(await on("status")).toMatchObject({ running: { digest: digestOf("two") }, drift: false })
    expect(await containers("other")).toEqual([])
  })

  test("a service without one gets new containers beside the old ones", async () => {
    const { deploy, kill, containers } = service("beside", {})
    expect(await deploy("one")).toMatchObject({ ok: true })
    const before = await containers()
    const second = await deploy("two")
    expect(second, JSON.stringify(second)).toMatchObject({
      ok: true,
      after: { digest: digestOf("two") },
    })
    expect(second.printed).not.toContain("nothing answers")
    const now = await containers()
    expect(now).toHaveLength(1)
    expect(now).not.toEqual(before)
    expect(await deploy("ill")).toMatchObject({ ok: false, code: "unhealthy" })
    expect(await containers()).toEqual(now)
    for (const point of ["up --detach", "mv next.yaml", "docker stop"]) {
      await kill("one", point)
      expect(await deploy("one"), point).toMatchObject({
        ok: true,
        after: { digest: digestOf("one") },
      })
      expect(await containers(), point).toHaveLength(1)
      expect(await deploy("two")).toMatchObject({ ok: true })
    }
  })
})
