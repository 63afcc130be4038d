import type { ChildProcess } from "node:child_process"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { DockerRegistry, hasDockerRegistry, LOGIN } from "../contract/servers/dockerRegistry.ts"
import { begin, drive, type Kill } from "./docker/drive.ts"
import { dockerTools, Host, until } from "./docker/host.ts"
import { proxyImage, publish, pythonImage } from "./docker/images.ts"
import { folder, pyline } from "./pyline.ts"

// A real dockerd and sshd, a real registry, a real proxy: what a user has on a machine, on loopback.

const found = hasDockerRegistry ? dockerTools() : { why: "there is no docker-registry" }
const tools = "tools" in found ? found.tools : ""
const why = "why" in found ? ` (skipped: ${found.why})` : ""
// One commit time: neither is older than the other.
const CREATED = "2026-01-02T10:00:00+00:00"

let registry: DockerRegistry
let host: Host
const images: Record<string, string> = {}
let settings: Record<string, unknown>

const digestOf = (name: string) => images[name]?.split("@")[1] ?? ""
const request = (name: string, more: object = {}) => ({
  environment: { ...settings, ...more },
  image: images[name],
  holder: { by: "ada", run: "run 7" },
})
const deploy = (name: string, more: object = {}) => drive(host, "deploy", request(name, more))
const on = (command: string, more: object = {}) =>
  drive(host, command, { environment: settings, holder: { by: "ada" }, ...more })
const answers = async () =>
  (await (await fetch(`http://127.0.0.1:${host.webPort}/version`)).json()) as {
    version: string
    said: string
  }
const apps = () => host.containers("--filter", "label=dev.pyline.role=app")

/** Asks without a pause while something is done; what it got. */
async function underLoad(deed: () => Promise<void>) {
  const script = path.join(import.meta.dirname, "docker/load.py")
  const load: ChildProcess = host.spawn("python3", script, "127.0.0.1", "8080")
  let out = ""
  load.stdout?.on("data", (data) => {
    out += data
  })
  const ended = new Promise((resolve) => load.on("close", resolve))
  try {
    await until("somebody asks", () => out.includes("asking"))
    await deed()
  } finally {
    load.stdin?.end()
    await ended
  }
  return JSON.parse(out.split("\n")[1] ?? "") as {
    answers: Record<string, number>
    failures: string[]
  }
}

/**
 * Kills a deployment of what does not run at a point, and deploys again: every fourth time what ran before, else the same. All has to be
 * right then; gives the command that it was killed in, or "ended" where it came to no such point.
 */
async function killedAndRunAgain(point: Kill, turn: number): Promise<string> {
  const [before, next] = (await answers()).version === "one" ? ["one", "two"] : ["two", "one"]
  const more = { release: true, drain: 1, keep: 0 }
  const { signal, printed } = await begin(host, "deploy", request(next, more), { kill: point })
    .ended
  const [, said = "ended"] = /^at work: (.*)$/m.exec(printed) ?? []
  const where = `${JSON.stringify(point)}: ${said}`
  if (point.at.startsWith("#") && signal === null) return "ended"
  expect(signal, `${where}: ${printed}`).toBe("SIGKILL")
  const wanted = turn % 4 === 3 ? before : next
  const again = await deploy(wanted, more)
  expect(again, `${where}: ${JSON.stringify(again)}`).toMatchObject({
    ok: true,
    after: { digest: digestOf(wanted) },
  })
  expect(await apps(), where).toEqual([expect.stringContaining(digestOf(wanted).slice(7, 19))])
  expect(await host.containers("--all"), where).toHaveLength(2)
  expect(await answers(), where).toMatchObject({ version: wanted })
  expect(await on("status"), where).toMatchObject({
    ...{ running: { digest: digestOf(wanted) }, deployed: { digest: digestOf(wanted) } },
    ...{ drift: false, working: null, trouble: null, held: null },
  })
  const left = "ls $0/home/.pyline/*.holder $0/runtime/* 2> /dev/null || true"
  expect(await host.run("sh", "-c", left, host.folder), where).toBe("")
  return said
}

describe.skipIf(why !== "")(`a docker host over ssh${why}`, () => {
  beforeAll(async () => {
    registry = await DockerRegistry.start({ login: true })
    host = await Host.start(tools, registry.host)
    await proxyImage(host, tools, "caddy:2")
    await pythonImage(host, "python")
    const repository = `${registry.host}/shop`
    const versions = {
      one: { migrates: 0.4 },
      two: { starts: 0.5, checked: true, migrates: 0.4 },
      ill: { ill: true },
      sick: { ill: true, checked: true },
      dies: { dies: true },
      odd: { ill: true, checked: true, status: 255 },
      empty: { command: ["/nowhere"] },
      stuck: { stuck: true },
      slow: { migrates: 30 },
      late: { starts: 4 },
    }
    for (const [version, says] of Object.entries(versions))
      images[version] = await publish(host, "python", repository, { version, ...says }, CREATED)
    writeFileSync(path.join(host.folder, "app.env"), "SAID=a word of the host's\n")
    settings = {
      ...{ name: "staging", app: "shop", target: "docker", host: host.url, registry: repository },
      ...{ url: `http://127.0.0.1:${host.webPort}`, publish: 8080, health: "/healthz" },
      ...{ healthTimeout: 20, timeout: 60, keep: 1, drain: 2, release: false, manual: false },
      ...{ order: 1, envFile: path.join(host.folder, "app.env") },
    }
  })
  afterAll(async () => {
    await host?.remove()
    await registry?.remove()
  })

  test("a first deployment: the release command once, and a container behind the proxy", async () => {
    const first = await deploy("one", { release: true })
    expect(first, JSON.stringify(first)).toMatchObject({
      ok: true,
      before: null,
      after: {
        digest: digestOf("one"),
        proof: expect.stringMatching(/^docker inspect of shop-staging-/),
      },
    })
    expect(first.printed).toContain("  migrating to one\n")
    expect(await answers()).toEqual({ version: "one", said: "a word of the host's" })
    // The login at the registry was there for the pull only.
    const left = "ls -d $0/home/.docker $0/runtime/* 2>/dev/null || true"
    expect(await host.run("sh", "-c", left, host.folder)).toBe("")
    expect(await on("status")).toMatchObject({ running: { digest: digestOf("one") }, drift: false })
  })

  test("no request is lost while a release takes the place of another, or fails to", async () => {
    const got = await underLoad(async () => {
      expect(await deploy("two", { health: undefined })).toMatchObject({
        ok: true,
        before: { digest: digestOf("one") },
      })
      const ill = await deploy("ill", { healthTimeout: 1 })
      expect(ill).toMatchObject({
        ...{ ok: false, kind: "failed", code: "unhealthy" },
        message:
          'GET /healthz on port 8000 within 1 s: expected 200, got 500 ({"version": "ill", "said": "a word of the host\'s"})',
        detail: ["its last lines:", "  version ill listens"],
      })
      expect(await deploy("sick", { healthTimeout: 1, health: undefined })).toMatchObject({
        message: "the image's health check within 1 s: expected exit status 0, got exit status 1",
      })
      // ssh itself ends with this status where it fails, and a shell with that of a program that is not there.
      expect(await deploy("odd", { healthTimeout: 1, health: undefined })).toMatchObject({
        message: "the image's health check within 1 s: expected exit status 0, got exit status 255",
      })
      expect(await deploy("empty")).toMatchObject({
        ...{ kind: "failed", code: "failed" },
        message: "docker on deploy@127.0.0.1 cannot start the image",
      })
      expect(await deploy("dies")).toMatchObject({
        ...{ code: "unhealthy", detail: ["its last lines:", "  no database"] },
        message:
          "GET /healthz on port 8000: expected 200, got the container ended with exit status 7",
      })
      expect(await deploy("stuck", { release: true })).toMatchObject({
        ...{ ok: false, kind: "failed", code: "migration-failed", detail: ["migrating to stuck"] },
        message: "the release command ended with exit status 3",
      })
      expect(await deploy("one")).toMatchObject({ ok: true })
    })
    expect(got.failures).toEqual([])
    expect(Object.keys(got.answers)).toEqual(expect.arrayContaining(["one", "two"]))
    expect(await answers()).toMatchObject({ version: "one" })
    expect(await apps()).toHaveLength(1)
    // The one before, stopped.
    const stopped = ["--filter", "status=exited", "--filter", "label=dev.pyline.role=app"]
    expect(await host.containers("--all", ...stopped)).toHaveLength(1)
  })

  test("a run that is killed in the middle of a step, and run again, ends right; nobody notices", async () => {
    // Commands on the host that change something; the image of what ran before the first of them is gone by the second. All: PYLINE_TEST_SWEEP.
    const points: Kill[] = [
      { at: "docker run .*role=release-command", after: 100 },
      { at: "docker --config .* pull ", after: 30 },
      { at: "docker run .*role=app", after: 30 },
      { at: "GET", after: 0 },
      { at: "caddy reload", after: 30 },
      { at: "caddy reload", after: "end" },
      { at: "docker stop", after: 50 },
    ]
    const got = await underLoad(async () => {
      for (const [place, point] of points.entries()) await killedAndRunAgain(point, place)
    })
    expect(got.failures).toEqual([])
  })

  test.skipIf(!process.env.PYLINE_TEST_SWEEP)(
    "a run that is killed in the middle of any command on the host, and run again, ends right",
    { timeout: 7_200_000 },
    async () => {
      expect(await deploy("one")).toMatchObject({ ok: true })
      const got = await underLoad(async () => {
        for (const after of [0, 60, 400]) {
          for (let number = 1; ; number++) {
            const point = { at: `#${number}`, after }
            const said = await killedAndRunAgain(point, number)
            console.log(`${JSON.stringify(point)} ${said}`)
            if (said === "ended") break
          }
        }
      })
      console.log(got)
      expect(got.failures).toEqual([])
    },
  )

  test("of two at once the second is told who the first is; its end is the lock's end", async () => {
    const first = begin(host, "deploy", request("slow", { release: true }))
    await until("the first is at work", () => first.printed().includes("run the release command"))
    const second = await deploy("two")
    expect(second).toMatchObject({ ok: false, kind: "errored", code: "locked" })
    expect(second.message).toMatch(/^ada \(run 7\) has been changing it for \d+ s$/)
    first.child.kill("SIGKILL")
    await first.ended
    // What it left is stopped, and nothing of it is in the way. What changes the host on its behalf still is waited for.
    const work = path.join(host.folder, "home/.pyline/shop-staging.work")
    const left = host.run("flock", "--shared", work, "sleep", "3")
    const third = await deploy("two")
    expect(third, JSON.stringify(third)).toMatchObject({ ok: true })
    expect(third.printed).toContain("commands of a run that was killed are still at work on ")
    await left
    expect(
      await host.containers("--all", "--filter", "label=dev.pyline.role=release-command"),
    ).toEqual([])
  })

  test("a release is there again after the power was cut, and so is the proxy", async () => {
    expect(await deploy("two")).toMatchObject({ ok: true })
    await host.reboot()
    await until("it answers", async () => (await answers().catch(() => undefined)) !== undefined)
    expect((await on("status")).running).toMatchObject({ digest: digestOf("two") })
    await host.run("docker", "restart", "pyline-proxy-shop-staging")
    await until("it answers", async () => (await answers().catch(() => undefined)) !== undefined)
    expect(await answers()).toMatchObject({ version: "two" })
  })

  test("docker itself is killed in the middle: that is no verdict, what ran answers again, and a second run finishes", async () => {
    const { version } = await answers()
    const more = { drain: 1, keep: 0 }
    const run = begin(host, "deploy", request("late", more), { tell: "GET " })
    await until("it is waited for", () => run.printed().includes("at work: "))
    const killed = Date.now()
    await host.killDocker()
    const { answer, printed } = await run.ended
    expect(answer, printed).toMatchObject({ ok: false, kind: "errored" })
    expect(Date.now() - killed).toBeLessThan(90_000)
    const back = async () => (await answers().catch(() => undefined))?.version === version
    await until("what ran before answers", back, 90)
    const again = await deploy("late", more)
    expect(again, JSON.stringify(again)).toMatchObject({
      ok: true,
      before: { digest: digestOf(version) },
      after: { digest: digestOf("late") },
    })
    expect(await apps()).toEqual([expect.stringContaining(digestOf("late").slice(7, 19))])
    expect(await on("status")).toMatchObject({
      running: { digest: digestOf("late") },
      drift: false,
    })
  })

  test("what was verified is promoted to another host, and rolled back to though its tag is another's now", async () => {
    expect(await deploy("two")).toMatchObject({ ok: true })
    expect(await on("validate")).toMatchObject({ ok: true })
    const other = await Host.start(tools, registry.host)
    try {
      await proxyImage(other, tools, "caddy:2")
      const production = {
        ...settings,
        name: "production",
        host: other.url,
        order: 2,
        envFile: undefined,
      }
      const promote = { environment: production, from: settings, holder: { by: "ada" } }
      // Both hosts are known, by one key.
      const both = `${host.knownHosts}${other.knownHosts}`
      other.trust(host)
      const promoted = await drive(host, "promote", promote, both)
      expect(promoted, JSON.stringify(promoted)).toMatchObject({
        ok: true,
        after: { digest: digestOf("two") },
      })
      expect(await other.containers("--filter", "label=dev.pyline.role=app")).toHaveLength(1)
    } finally {
      await other.remove()
    }
    expect(await deploy("one")).toMatchObject({ ok: true })
    await host.run("docker", "image", "rm", "--force", images.two ?? "")
    await host.run("docker", "tag", "python", `${registry.host}/shop:two`)
    await host.run("docker", "--config", host.login, "push", `${registry.host}/shop:two`)
    const back = await on("rollback")
    expect(back, JSON.stringify(back)).toMatchObject({
      ok: true,
      after: { digest: digestOf("two") },
    })
    expect(await answers()).toMatchObject({ version: "two" })
    expect(await deploy("one")).toMatchObject({ ok: false, code: "held" })
  })

  test("what is wrong with the way there is said, with what to do", async () => {
    const nobody = await drive(host, "status", { environment: settings, holder: {} }, "")
    expect(nobody.unknown).toBe("the known hosts have no key of 127.0.0.1")
    expect(
      await drive(
        host,
        "deploy",
        request("one", { host: "ssh://deploy@127.0.0.1:1" }),
        `[127.0.0.1]:1 ${host.knownHosts}`,
      ),
    ).toMatchObject({
      ...{ ok: false, kind: "errored", code: "unreachable" },
      message: expect.stringMatching(
        /^deploy@127\.0\.0\.1 cannot be reached \(.*Connection refused\)$/,
      ),
    })
    const key = await begin(host, "deploy", request("one"), { key: "no key\n" }).ended
    expect(key.answer).toMatchObject({ kind: "request", message: "the ssh key is no private key" })
    const file = "/nowhere/app.env"
    expect(await deploy("one", { envFile: file, name: "third", publish: 8081 })).toMatchObject({
      ...{ ok: false, kind: "request", message: `${file} cannot be read on deploy@127.0.0.1` },
    })
  })

  test("pyline deploy", async () => {
    const source = folder()
    writeFileSync(
      path.join(source, "pyproject.toml"),
      `[project]
name = "shop"
version = "1"

[tool.pyline.environments.live]
target = "docker"
host = "${host.url}"
registry = "${registry.host}/shop"
publish = 8080
health = "/healthz"
drain = 1
`,
    )
    writeFileSync(path.join(source, "known_hosts"), host.knownHosts)
    await host.run("sh", "-c", "docker rm -f $(docker ps -aq)")
    const run = await pyline(
      [
        ...["deploy", "live", "--image", images.one ?? "", "--source", source],
        ...["--username", LOGIN.username, "--password=env:REGISTRY_PASSWORD"],
        ...[`--ssh-key=file:${host.key}`, `--known-hosts=file:${source}/known_hosts`],
      ],
      { env: { REGISTRY_PASSWORD: LOGIN.password } },
    )
    expect(run.exitCode, run.all).toBe(0)
    expect(run.stdout).toContain(digestOf("one"))
    expect(await answers()).toMatchObject({ version: "one" })
  })
})
