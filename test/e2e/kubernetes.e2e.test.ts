import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { DockerRegistry, hasDockerRegistry } from "../contract/servers/dockerRegistry.ts"
import { image as anImage, tar } from "../contract/servers/image.ts"
import { digestOf } from "../contract/servers/registry.ts"
import { Cluster, hasCluster, kubectlFolder } from "../kubernetes/cluster.ts"
import { AWAY, BAD, SLOW } from "../kubernetes/pods.ts"
import { type Answer, newFolder, type Run, release, run, start, upload } from "./deliveryProgram.ts"
import { folder, lastLine, pyline } from "./pyline.ts"

// A real API server with its controllers and scheduler; pods are kwok's, whose images say by their digests what becomes of them.

const page = path.resolve(import.meta.dirname, "../../docs/deploy-kubernetes.md")
/** Seconds that a lock lasts here. */
const LASTS = 9

interface Item {
  kind: string
  metadata: { name: string; uid: string; annotations?: Record<string, string>; labels?: object }
  spec: {
    replicas?: number
    revisionHistoryLimit?: number
    holderIdentity?: string
    template: { spec: { containers: { name: string; image: string }[] } }
  }
}

let cluster: Cluster
let registry: DockerRegistry
let space: string
let number = 0
let day = 0

const app = () => `${registry.host}/team/shop`
/** An image, newer than those before it; its digest begins as told, or else says that pods become ready. */
async function image(begins = "", labels: Record<string, string> = {}): Promise<string> {
  const created = new Date(Date.UTC(2026, 0, ++day)).toISOString()
  for (;;) {
    const made = release(created, labels)
    const digest = digestOf(made.manifest)
    const is = begins
      ? digest.startsWith(begins)
      : ![BAD, SLOW, AWAY].some((other) => digest.startsWith(other))
    if (is) return upload(registry.host, "team/shop", `v${day}`, made)
  }
}
const migrating = (...command: string[]) => ({ "pyline.release": JSON.stringify(command) })

const environment = (more: object = {}) => ({
  name: space,
  app: "shop",
  target: "kubernetes",
  registry: app(),
  namespace: space,
  health: "/",
  healthTimeout: 60,
  timeout: 60,
  keep: 2,
  drain: 0,
  release: false,
  manual: false,
  order: 1,
  ...more,
})
const secrets = () => ({ kubeconfig: cluster.deployer })
const request = (digest: string, settings: object = {}, by = "ada") => ({
  environment: environment(settings),
  image: `${app()}@${digest}`,
  holder: { by, run: "run 7" },
})
const deploy = (digest: string, settings: object = {}): Promise<Answer> =>
  run("deploy", request(digest, settings), LASTS, secrets())
const on = (command: string, more: object = {}, settings: object = {}): Promise<Answer> =>
  run(
    command,
    { environment: environment(settings), holder: { by: "ada" }, ...more },
    LASTS,
    secrets(),
  )

const items = async (kind: string): Promise<Item[]> =>
  (await cluster.get<{ items: Item[] }>(kind, "-n", space)).items
const deployment = () => cluster.get<Item>("deployment/shop", "-n", space)
const images = async () =>
  (await deployment()).spec.template.spec.containers.map(({ image: each }) => each)
const pods = async () => (await items("pods")).map(({ metadata }) => metadata.uid).sort()

const SHOP = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "shop" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "shop" } },
    strategy: { rollingUpdate: { maxUnavailable: 0 } },
    template: {
      metadata: { labels: { app: "shop" } },
      spec: {
        containers: [
          { name: "web", image: "shop:latest", env: [{ name: "COLOUR", value: "blue" }] },
        ],
      },
    },
  },
}

/** The Deployment that somebody made by hand before Pyline came. */
const byHand = () => cluster.kubectl(["apply", "-n", space, "-f", "-"], JSON.stringify(SHOP))

/** A folder of manifests. */
function manifests(): string {
  const folder = newFolder()
  const worker = structuredClone(SHOP)
  Object.assign(worker, { metadata: { name: "worker" } })
  worker.spec.selector.matchLabels.app = "worker"
  worker.spec.template.metadata.labels.app = "worker"
  const files = {
    "kustomization.yaml": {
      resources: ["shop.yaml", "worker.yaml"],
      configMapGenerator: [{ name: "settings", literals: ["COLOUR=green"] }],
    },
    "shop.yaml": SHOP,
    "worker.yaml": worker,
  }
  // YAML takes JSON.
  for (const [name, document] of Object.entries(files))
    writeFileSync(path.join(folder, name), JSON.stringify(document))
  return folder
}

/** Kills a run as soon as it prints a text. */
async function killedAt(begun: Run, text: string): Promise<void> {
  let printed = ""
  await new Promise<void>((resolve, reject) => {
    begun.process.stdout?.on("data", (data) => {
      printed += data
      if (printed.includes(text)) resolve()
    })
    begun.process.once("exit", () => reject(new Error(`it ended before: ${printed}`)))
  })
  process.kill(-(begun.process.pid ?? 0), "SIGKILL")
  await begun.ended
}

const why = hasDockerRegistry ? "PYLINE_KUBERNETES: see CONTRIBUTING.md" : "docker-registry"
describe.skipIf(!hasCluster || !hasDockerRegistry)(`kubernetes (skipped without ${why})`, () => {
  beforeAll(async () => {
    process.env.PATH = `${kubectlFolder}:${process.env.PATH}`
    cluster = await Cluster.start()
    registry = await DockerRegistry.start()
  })
  afterAll(async () => {
    await cluster?.remove()
    await registry?.remove()
  })
  beforeEach(async () => {
    space = `shop${number++}`
    await cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: space } })
    // An account that may do what the page says, and no more.
    const [, role = ""] = /```yaml\n([\s\S]+?)```/.exec(readFileSync(page, "utf8")) ?? []
    await cluster.kubectl(["apply", "-n", space, "-f", "-"], role)
    const binding = ["--role=pyline", "--user=deployer"]
    await cluster.kubectl(["create", "rolebinding", "pyline", "-n", space, ...binding])
  })

  test("a Deployment made by hand is taken over, updated, and rolled back; its pods prove the digest", async () => {
    await byHand()
    const [first, second] = [await image(), await image()]
    expect(await on("running")).toMatchObject({ ok: true, running: null })
    const brought = await deploy(first)
    expect(brought, brought.printed as string).toMatchObject({ ok: true, before: null })
    expect(brought).toMatchObject({
      after: {
        digest: first,
        proof: `2 ready pods of the Deployment's replica set: image ID ${app()}@${first}`,
      },
    })
    expect(brought.printed).toContain("container web has no readinessProbe")
    expect(await images()).toEqual([`${app()}@${first}`])
    const { spec, metadata } = await deployment()
    expect(spec.revisionHistoryLimit).toBe(2)
    expect(metadata.annotations).toMatchObject({
      "dev.pyline.released": expect.stringMatching(/^shop-/),
    })
    expect(await deploy(first)).toMatchObject({ ok: true, unchanged: true })

    const updated = await deploy(second)
    expect(updated).toMatchObject({
      ok: true,
      before: { digest: first },
      after: { digest: second },
    })
    expect((await items("pods")).length).toBe(2)
    expect((await on("validate")).ok).toBe(true)
    expect(await on("rollback", { to: first })).toMatchObject({
      ok: true,
      after: { digest: first },
    })
    expect(await images()).toEqual([`${app()}@${first}`])
    expect(await deploy(second)).toMatchObject({ ok: false, code: "held" })
    // Nobody has the lock.
    const leases = await items("leases")
    expect(leases.map(({ spec: { holderIdentity } }) => holderIdentity ?? "")).toEqual([""])
  })

  test("pods that do not become ready: what ran before runs still, and why is said", async () => {
    await byHand()
    const [good, bad, away] = [await image(), await image(BAD), await image(AWAY)]
    await deploy(good)
    const before = await pods()
    const unhealthy = await deploy(bad, { healthTimeout: 4 })
    expect(unhealthy).toMatchObject({ ok: false, kind: "failed", code: "unhealthy" })
    expect(unhealthy.message).toMatch(
      /^rollout of deployment\/shop: expected 2 ready pods within 4 s, got 0: pod shop-\S+: container web: CrashLoopBackOff, back-off 10s restarting failed container$/,
    )
    expect(unhealthy.detail).toEqual(
      expect.arrayContaining([
        "  event BackOff: restarting failed container",
        "  starting the shop",
        "  KeyError: 'DATABASE_URL'",
      ]),
    )
    expect(await pods()).toEqual(before)
    expect(await on("running")).toMatchObject({ running: { digest: good } })

    const unpulled = await deploy(away, { healthTimeout: 4 })
    expect(unpulled).toMatchObject({ ok: false, kind: "errored", code: "pull-failed" })
    expect(unpulled.message).toContain("ImagePullBackOff, Back-off pulling image: not found")
    expect(await pods()).toEqual(before)
    // Another one, which is good, comes after those that were not.
    const next = await image()
    expect(await deploy(next)).toMatchObject({ ok: true, before: { digest: good } })
  })

  test("a migration runs once, as a Job; a red one stops the deployment", async () => {
    await byHand()
    const settings = { release: true }
    const good = await image("", migrating("python", "manage.py", "migrate"))
    const red = await image("", migrating("python", "red.py"))
    const first = await deploy(good, settings)
    expect(first, first.printed as string).toMatchObject({ ok: true })
    expect(first.printed).toContain(
      `job/shop-migrate-${good.slice(7, 19)}: python manage.py migrate`,
    )
    expect(await items("jobs")).toEqual([])
    const before = await pods()
    const stopped = await deploy(red, settings)
    expect(stopped).toMatchObject({ ok: false, kind: "failed", code: "migration-failed" })
    expect(stopped.message).toMatch(/^job\/shop-migrate-\S+ failed: BackoffLimitExceeded: /)
    expect(stopped.detail?.join("\n")).toMatch(
      /container web: Error \(exit code 3\)[\s\S]+KeyError/,
    )
    expect(await images()).toEqual([`${app()}@${good}`])
    expect(await pods()).toEqual(expect.arrayContaining(before))
    const [job] = await items("jobs")
    expect(job?.spec.template).toMatchObject({
      metadata: { labels: { "dev.pyline.migration": "shop" } },
      spec: {
        restartPolicy: "Never",
        containers: [
          {
            image: `${app()}@${red}`,
            command: ["python", "red.py"],
            env: [{ name: "COLOUR", value: "blue" }],
          },
        ],
      },
    })
    // It is tried anew, not taken for done.
    expect(await deploy(red, settings)).toMatchObject({ code: "migration-failed" })
  })

  test("manifests are applied with the digest, and a first release that is bad is removed", async () => {
    const more = [
      {
        apiGroups: ["apps"],
        resources: ["deployments"],
        verbs: ["create", "delete", "list", "watch"],
      },
      { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create", "patch"] },
    ]
    await cluster.kubectl(
      ["apply", "-n", space, "-f", "-"],
      JSON.stringify({
        apiVersion: "v1",
        kind: "List",
        items: [
          {
            apiVersion: "rbac.authorization.k8s.io/v1",
            kind: "Role",
            metadata: { name: "manifests" },
            rules: more,
          },
          {
            apiVersion: "rbac.authorization.k8s.io/v1",
            kind: "RoleBinding",
            metadata: { name: "manifests" },
            roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "manifests" },
            subjects: [{ kind: "User", name: "deployer" }],
          },
        ],
      }),
    )
    const settings = { manifests: manifests(), healthTimeout: 4, release: true }
    const bad = await deploy(await image(BAD), settings)
    expect(bad, bad.printed as string).toMatchObject({ ok: false, code: "unhealthy" })
    expect(bad.printed).toContain("deployment/shop was the first: it is removed")
    expect((await items("deployments")).map(({ metadata }) => metadata.name)).toEqual(["worker"])

    const good = await image("", migrating("python", "manage.py", "migrate"))
    const brought = await deploy(good, { ...settings, healthTimeout: 60 })
    expect(brought, brought.printed as string).toMatchObject({ ok: true, after: { digest: good } })
    expect(brought.printed).toMatch(/applied configmap\/settings-\S+\n.*job\/shop-migrate-/)
    const all = await items("deployments")
    expect(all.map(({ spec }) => spec.template.spec.containers[0]?.image)).toEqual([
      `${app()}@${good}`,
      `${app()}@${good}`,
    ])
    expect(all[0]?.metadata.annotations).not.toHaveProperty("dev.pyline.first")
    // What a later one breaks is put back.
    const broken = await deploy(await image(BAD), settings)
    expect(broken).toMatchObject({ ok: false, code: "unhealthy" })
    expect(await images()).toEqual([`${app()}@${good}`])
    const missing = await deploy(await image(), { ...settings, deployment: "till" })
    expect(missing).toMatchObject({ ok: false, kind: "request" })
    expect(missing.message).toContain("the manifests have no Deployment till: ")
  })

  // Where a run is killed, and what the next one says.
  const steps = [
    ["- pull", "- pull"],
    ["job/shop-migrate-", "was started by a run before this one"],
    ["- start it beside", "- start it beside"],
    // The cluster goes on by itself: it may have ended before the lock does.
    ["of 2 pods of replicaset/", /all 2 pods of replicaset|it runs there already/],
    ["- switch", "it runs there already"],
    ["- stop what gets", "it runs there already"],
  ] as const
  test.each(steps)("killed at %j, and run again", async (text, says) => {
    await byHand()
    const digest = await image(SLOW, migrating("python", "manage.py", "migrate"))
    const settings = { release: true }
    await killedAt(start("deploy", request(digest, settings, "bob"), LASTS, secrets()), text)
    const again = await deploy(digest, settings)
    expect(again, `${again.printed}`).toMatchObject({ ok: true, after: { digest } })
    expect(again.printed).toContain(
      "bob run 7 has the lock: looking whether that run is still alive",
    )
    expect(again.printed).toContain("its lock is taken over")
    expect(again.printed).toMatch(says)
    expect(await on("status")).toMatchObject({
      running: { digest },
      deployed: { digest },
      drift: false,
    })
    expect(await items("jobs")).toEqual([])
    expect((await items("pods")).length).toBe(2)
  })

  test("killed with a bad release, the next one goes back to what was good", async () => {
    await byHand()
    const [good, bad] = [await image(), await image(BAD)]
    await deploy(good)
    const before = await pods()
    await killedAt(start("deploy", request(bad), LASTS, secrets()), "of 2 pods of replicaset/")
    expect(await on("running")).toMatchObject({ running: { digest: good } })
    const undoing = start("deploy", request(bad, { healthTimeout: 4 }), LASTS, secrets())
    await killedAt(undoing, "- remove the new release")
    expect(await on("running")).toMatchObject({ running: { digest: good } })
    const worse = await deploy(await image(BAD), { healthTimeout: 4 })
    expect(worse).toMatchObject({ code: "unhealthy" })
    expect(await pods()).toEqual(before)
    expect(await images()).toEqual([`${app()}@${good}`])
  })

  test("others who write to the Deployment in the same moment get in nobody's way", async () => {
    await byHand()
    let written = 0
    const deployed = deploy(await image())
    const ended = deployed.then(() => true)
    const pause = () => new Promise<false>((resolve) => setTimeout(() => resolve(false), 300))
    do {
      const words = ["annotate", "--overwrite", "-n", space, "deployment/shop", `n=${++written}`]
      await cluster.kubectl(words)
    } while (!(await Promise.race([ended, pause()])))
    const done = await deployed
    expect(done, `${done.printed}`).toMatchObject({ ok: true })
    expect((await deployment()).metadata.annotations).toMatchObject({ n: `${written}` })
  })

  test("of two at once one is told who the other is", async () => {
    await byHand()
    const [one, other] = [await image(SLOW), await image()]
    const first = start("deploy", request(one, {}, "bob"), LASTS, secrets())
    await new Promise((resolve) => first.process.stdout?.once("data", resolve))
    const second = await deploy(other)
    expect(second).toMatchObject({ ok: false, kind: "errored", code: "locked" })
    expect(second.message).toMatch(/^bob \(run 7\) has been changing it for \d+ s$/)
    expect((await first.ended).answer).toMatchObject({ ok: true, after: { digest: one } })
    expect(await images()).toEqual([`${app()}@${one}`])
  })

  test("a run that stood still for longer than its lock lasts changes nothing more", async () => {
    await byHand()
    const [one, other] = [await image(SLOW), await image()]
    const first = start("deploy", request(one, {}, "bob"), LASTS, secrets())
    const pid = first.process.pid ?? 0
    await new Promise<void>((resolve) =>
      first.process.stdout?.on("data", (data) => {
        if (`${data}`.includes("of 2 pods of replicaset/")) resolve()
      }),
    )
    process.kill(-pid, "SIGSTOP")
    const second = await deploy(other)
    expect(second, `${second.printed}`).toMatchObject({ ok: true, after: { digest: other } })
    process.kill(-pid, "SIGCONT")
    const { answer } = await first.ended
    expect(answer).toMatchObject({ ok: false, kind: "errored" })
    expect(await images()).toEqual([`${app()}@${other}`])
    expect(await on("running")).toMatchObject({ running: { digest: other } })
  })

  test("the command deploys a folder of manifests, with kubectl from another image", async () => {
    const kubectl = readFileSync(path.join(kubectlFolder, "kubectl"))
    await upload(registry.host, "tools/kubectl", "1", anImage([tar({ "/bin/kubectl": kubectl })]))
    const source = folder()
    cpSync(manifests(), path.join(source, "deploy"), { recursive: true })
    const files = {
      "shop/__main__.py": "print('open')\n",
      "pyproject.toml": `[project]
name = "shop"
version = "1.0.0"
requires-python = ">=3.13"

[tool.pyline.environments.staging]
target = "kubernetes"
registry = "${app()}"
namespace = "${space}"
manifests = "deploy"
health-timeout = 60
tools-image = "${registry.host}/tools/kubectl:1"
`,
    }
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(source, name)), { recursive: true })
      writeFileSync(path.join(source, name), text)
    }
    const digest = await image()
    const words = ["deploy", "staging", `${app()}@${digest}`, "--by=ada", "--source", source]
    const without = await pyline(words)
    expect(without.exitCode, without.all).toBe(2)
    expect(without.stderr).toContain("the target kubernetes needs a kubeconfig")
    const done = await pyline([...words, `--kubeconfig=file:${cluster.admin}`])
    expect(done.exitCode, done.all).toBe(0)
    expect(done.stdout).toContain(`staging runs ${app()}@${digest}`)
    expect(lastLine(done.stdout)).toContain(`image ID ${app()}@${digest}`)
    expect(await images()).toEqual([`${app()}@${digest}`])
    const kubeconfig = `--kubeconfig=file:${cluster.admin}`
    const status = await pyline(["status", "--format=json", "--source", source, kubeconfig])
    expect(status.exitCode, status.all).toBe(0)
    expect(JSON.parse(status.stdout)).toMatchObject([
      { environment: "staging", running: { digest }, drift: false },
    ])
    const bad = await image(BAD)
    const slowly = path.join(source, "pyproject.toml")
    writeFileSync(slowly, readFileSync(slowly, "utf8").replace("= 60", "= 4"))
    const undone = await pyline([
      ...["deploy", "staging", `${app()}@${bad}`, "--source", source, kubeconfig],
    ])
    expect(undone.exitCode, undone.all).toBe(1)
    expect(undone.stderr).toContain("expected 2 ready pods within 4 s, got 0: pod shop-")
    expect(undone.stderr).toContain("KeyError: 'DATABASE_URL'")
    expect(await images()).toEqual([`${app()}@${digest}`])
  })

  test("an API server that is away or does not allow it, and settings that name what is not there", async () => {
    const digest = await image()
    expect(await deploy(digest)).toMatchObject({ ok: false, kind: "request" })
    await byHand()
    expect(await deploy(digest, { container: "sidecar" })).toMatchObject({
      kind: "request",
      message: "deployment/shop has no container sidecar: web",
    })
    expect(await deploy(digest, { context: "moon" })).toMatchObject({
      kind: "request",
      message: expect.stringContaining("moon"),
    })
    const elsewhere = await deploy(digest, { namespace: "kube-system" })
    expect(elsewhere).toMatchObject({ kind: "errored", code: "unreachable" })
    expect(elsewhere.message).toMatch(
      /^the cluster does not allow it: .*User "deployer" cannot get/,
    )
    const away = path.join(newFolder(), "kubeconfig")
    mkdirSync(path.dirname(away), { recursive: true })
    writeFileSync(
      away,
      readFileSync(cluster.deployer, "utf8").replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1"),
    )
    const gone = await run("deploy", request(digest), LASTS, { kubeconfig: away })
    expect(gone).toMatchObject({ kind: "errored", code: "unreachable" })
    expect(gone.message).toMatch(/^the API server cannot be reached: .*127\.0\.0\.1:1 was refused/)
  })
})
