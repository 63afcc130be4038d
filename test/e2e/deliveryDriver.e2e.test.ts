import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { DockerRegistry, hasDockerRegistry, LOGIN } from "../contract/servers/dockerRegistry.ts"
import {
  type Answer,
  Place,
  python,
  type Run,
  release,
  run,
  start,
  upload,
} from "./deliveryProgram.ts"
import { lastLine } from "./pyline.ts"

const OLD = "2026-01-01T10:00:00+00:00"
const NEW = "2026-01-02T10:00:00+00:00"
const NEWEST = "2026-01-03T10:00:00+00:00"
const WRITES = `echo "deploying $PYLINE_IMAGE to $PYLINE_ENVIRONMENT"; echo "$PYLINE_DIGEST" > running`
const WAITS = "ps -o pgid= -p $$ > begun; sleep 60"

let registry: DockerRegistry
let staging: Place
let number = 0
let name: string
/** Digests of releases, by their age. */
let old: string
let newer: string

const app = () => `${registry.host}/${name}`
const toDeploy = (digest: string) => ({
  environment: staging.environment,
  image: `${app()}@${digest}`,
  holder: { by: "ada", run: "run 7" },
})
const deploy = (digest: string, more: object = {}, watch?: number) =>
  run("deploy", { ...toDeploy(digest), ...more }, watch)
const on = (command: string, more: object = {}, place = staging) =>
  run(command, { environment: place.environment, holder: { by: "ada" }, ...more })
/** Kills a run with all that it started, as happens to a container, when a command of it has come to WAITS. */
async function killedOnceItWaits(running: Run): Promise<void> {
  const begun = path.join(staging.dir, "begun")
  const group = () => (existsSync(begun) ? Number(readFileSync(begun, "utf8")) : 0)
  await expect.poll(group, { timeout: 60_000 }).toBeGreaterThan(1)
  for (const each of [running.process.pid as number, group()]) process.kill(-each, "SIGKILL")
  await running.ended
  rmSync(begun)
}
const events = async (place = staging): Promise<string[]> =>
  ((await on("history", {}, place)).records as { event: string }[]).map(({ event }) => event)

describe.skipIf(!hasDockerRegistry)("delivery (skipped without docker-registry)", () => {
  beforeAll(async () => {
    registry = await DockerRegistry.start()
  })
  afterAll(() => registry?.remove())
  beforeEach(async () => {
    name = `team/app${number++}`
    staging = await new Place("staging", app()).open()
    staging.script(WRITES)
    old = await upload(registry.host, name, "old", release(OLD))
    newer = await upload(registry.host, name, "new", release(NEW))
  })
  afterEach(() => staging.close())

  test("a first deployment, and the same again", async () => {
    expect((await on("status")).running).toBeNull()
    const first = await deploy(old)
    expect(first).toMatchObject({
      ok: true,
      before: null,
      after: { digest: old },
      unchanged: false,
    })
    expect(first.printed).toContain(`deploying ${app()}@${old} to staging`)
    expect(staging.running()).toBe(old)
    const again = await deploy(old)
    expect(again).toMatchObject({ ok: true, unchanged: true })
    expect(again.printed).not.toContain("deploying")
    expect(await on("status")).toMatchObject({
      running: { digest: old, proof: "running-command printed the digest" },
      deployed: { event: "deployed", by: "ada", run: "run 7", created: OLD },
      verdict: null,
      held: null,
      drift: false,
    })
    expect(await events()).toEqual(["unchanged", "started", "deployed", "started"])
  })

  test("an older build does not replace a newer one", async () => {
    await deploy(newer)
    expect(await deploy(old)).toMatchObject({ ok: false, kind: "failed", code: "older" })
    expect(staging.running()).toBe(newer)
    expect((await events())[0]).toBe("failed")
  })

  test("what runs is validated, and promoted byte for byte", async () => {
    const production = await new Place("production", `${registry.host}/${name}-production`).open()
    production.script(WRITES)
    const promote = () => on("promote", { from: staging.environment }, production)
    try {
      expect(await promote()).toMatchObject({
        code: "not-verified",
        message: "nothing runs on staging",
      })
      await deploy(newer)
      expect(await promote()).toMatchObject({ kind: "failed", code: "not-verified" })
      staging.status = 503
      expect(await on("validate")).toMatchObject({
        kind: "failed",
        code: "invalid",
        detail: [`GET /healthz 200: expected 200, got 503 (release ${newer})`],
      })
      expect((await promote()).message).toContain("its validation said no")
      expect(production.running()).toBeUndefined()
      staging.status = 200
      expect(await on("validate")).toMatchObject({ ok: true, checks: ["GET /healthz 200"] })
      expect(await promote()).toMatchObject({
        ok: true,
        image: `${registry.host}/${name}-production@${newer}`,
        record: { event: "promoted", source: { environment: "staging" } },
      })
      expect(production.running()).toBe(newer)
      // Somebody changes staging by hand: what was verified is not what runs.
      writeFileSync(path.join(staging.dir, "running"), old)
      expect((await promote()).message).toBe("what runs on staging is not what was deployed there")
      expect(await on("status")).toMatchObject({ drift: true })
    } finally {
      production.close()
    }
  })

  test("what the validation said no to comes back when somebody says so, or a validation says yes", async () => {
    const refused = { kind: "failed", code: "rejected" }
    await deploy(newer)
    staging.status = 503
    await on("validate")
    // It runs there; and after it did not any more.
    expect((await deploy(newer)).detail).toContain(
      "it runs there still: pyline validate staging asks again",
    )
    staging.status = 200
    const newest = await upload(registry.host, name, "newest", release(NEWEST))
    await deploy(newest)
    expect(await deploy(newer)).toMatchObject(refused)
    await on("rollback", { to: newer, hold: false })
    expect(await on("validate")).toMatchObject({ ok: true })
    expect(await deploy(newer)).toMatchObject({ ok: true, unchanged: true })

    const production = await new Place("production", `${app()}-production`).open()
    production.script(WRITES)
    const promote = (more: object = {}) =>
      on("promote", { from: staging.environment, ...more }, production)
    const undo = (digest: string, insteadOf: string) =>
      on("rollback", { to: digest, insteadOf, hold: false }, production)
    try {
      await on("deploy", { image: `${app()}@${old}` }, production)
      await promote()
      production.status = 500
      const no = await on("validate", {}, production)
      expect(no).toMatchObject({ kind: "failed", code: "invalid" })
      // Somebody else's is not undone.
      expect(await undo(old, newest)).toMatchObject({ kind: "errored" })
      expect(production.running()).toBe(newer)
      expect(await undo(old, newer)).toMatchObject({ ok: true })
      production.status = 200
      expect(await promote()).toMatchObject({
        ...refused,
        message: expect.stringMatching(
          `^the validation of production said no to ${newer} at 20.*Z \\(asked by ada\\)$`,
        ),
        detail: [`GET /healthz 200: expected 200, got 500 (release ${newer})`],
      })
      expect(production.running()).toBe(old)
      // It is found without the records after it, and without its tag.
      const found = `
import sys
from delivery import images, ledger
book = ledger.Ledger(images.repository_of(sys.argv[1]), "production")
print(book.last_verdict([], sys.argv[2]).event)
`
      expect(await python(found, production.registry, newer)).toBe("invalid\n")
      registry.forget(`${name}-production`, `pyline-production.verdict-${newer.slice(7, 23)}`)
      expect(await promote()).toMatchObject(refused)
      const silent = { ...production.environment, url: "http://127.0.0.1:9" }
      expect(await promote({ again: true })).toMatchObject({
        ok: true,
        after: { digest: newer },
        record: { event: "promoted", again: true },
      })
      // Nobody answers: that is neither a no nor a yes.
      expect(await on("validate", { environment: silent })).toMatchObject({ kind: "errored" })
      expect(await promote()).toMatchObject(refused)
      expect(await on("validate", {}, production)).toMatchObject({ ok: true })
      expect(await promote()).toMatchObject({ ok: true, unchanged: true })
      expect(await on("validate", { environment: silent })).toMatchObject({ kind: "errored" })
      expect(await promote()).toMatchObject({ ok: true, unchanged: true })
    } finally {
      production.close()
    }
  })

  test("is promoted to another registry, whose login is told to no other", async () => {
    const other = await DockerRegistry.start({ login: true })
    const production = await new Place("production", `${other.host}/prod/shop`).open()
    const later = await new Place("later", `${app()}-later`).open()
    const file = path.join(production.dir, "password")
    writeFileSync(file, `${LOGIN.password}\n`)
    const { username } = LOGIN
    const promote = (from: Place, to: Place, who: object, secrets: Record<string, string>) => {
      const request = { environment: to.environment, from: from.environment, ...who }
      return run("promote", request, undefined, secrets)
    }
    try {
      for (const place of [production, later]) place.script(WRITES)
      await deploy(newer)
      await on("validate")
      const refused = { code: "registry", registry: "refused" }
      expect(await promote(staging, production, {}, {})).toMatchObject(refused)
      expect(production.running()).toBeUndefined()
      expect(await promote(staging, production, { username }, { password: file })).toMatchObject({
        ok: true,
        image: `${other.host}/prod/shop@${newer}`,
      })
      expect(production.running()).toBe(newer)
      const validated = { environment: production.environment, username }
      await run("validate", validated, undefined, { password: file })
      // The other way it is the login of where the image comes from.
      expect(await promote(production, later, { username }, { password: file })).toMatchObject(
        refused,
      )
      expect(
        await promote(production, later, { fromUsername: username }, { "from-password": file }),
      ).toMatchObject({ ok: true, after: { digest: newer } })
    } finally {
      for (const place of [production, later]) place.close()
      await other.remove()
    }
  })

  test("goes back to the last verified one and holds it", async () => {
    const newest = await upload(registry.host, name, "newest", release(NEWEST))
    for (const digest of [old, newer, newest]) {
      await deploy(digest)
      if (digest !== newest) await on("validate")
    }
    expect(await on("rollback")).toMatchObject({ ok: true, after: { digest: newer } })
    expect(await deploy(newest)).toMatchObject({ kind: "failed", code: "held" })
    expect(await on("rollback")).toMatchObject({ ok: true, after: { digest: old } })
    expect(await on("rollback")).toMatchObject({ kind: "request", code: "request" })
    expect((await on("status")).held).toMatchObject({ digest: old })
    expect(await on("rollback", { to: `sha256:${"0".repeat(64)}` })).toMatchObject({
      kind: "request",
    })
    expect(await deploy(newest, { endHold: true })).toMatchObject({ ok: true })
    expect((await on("status")).held).toBeNull()
  })

  test("where the command fails, what ran before runs still", async () => {
    await deploy(old)
    staging.script(`echo "cannot reach the host" >&2; exit 7`)
    expect(await deploy(newer)).toMatchObject({
      kind: "failed",
      message: "deploy-command ended with exit status 7",
      detail: ["cannot reach the host"],
    })
    expect(staging.running()).toBe(old)
    // It switched, and failed then: it is called for what ran before.
    staging.script(`${WRITES}; test "$PYLINE_DIGEST" = ${old}`)
    expect((await deploy(newer)).detail).toContain(`switched back to ${old}`)
    expect(staging.running()).toBe(old)
    // It does nothing, and says that all is well.
    staging.script("true")
    expect(await deploy(newer)).toMatchObject({ kind: "failed", code: "unproven" })
    expect((await events()).slice(0, 2)).toEqual(["failed", "started"])
  })

  test("of two at once one waits outside", async () => {
    staging.script(`sleep 8; ${WRITES}`)
    const both = await Promise.all([old, newer].map((digest) => deploy(digest, {}, 6)))
    const [bad, good] = [both.filter(({ ok }) => !ok), both.filter(({ ok }) => ok)]
    expect(good).toHaveLength(1)
    expect(bad).toHaveLength(1)
    expect(["locked", "raced"]).toContain(bad[0]?.code)
    expect(bad[0]?.kind).toBe("errored")
    expect(staging.running()).toBe(
      (good[0] as unknown as { after: { digest: string } }).after.digest,
    )
  })

  test("a run that was killed is taken over when it shows no sign of life", async () => {
    staging.script(`${WRITES}; ${WAITS}`)
    await killedOnceItWaits(start("deploy", toDeploy(old), 3))
    expect(staging.running()).toBe(old)
    staging.script(WRITES)
    const next = await deploy(old, {}, 3)
    expect(next).toMatchObject({ ok: true, unchanged: true, record: { event: "deployed" } })
    expect(next.printed).toContain("taking over")
  })

  test("killed in the middle of any of its steps, a run is ended by the next", async () => {
    const migrated = await upload(
      registry.host,
      name,
      "migrated",
      release(NEWEST, { "pyline.release": '["app", "migrate"]' }),
    )
    const more = {
      release: true,
      migrateCommand: ["sh", "-c", `cd ${staging.dir}; sh migrate.sh`],
    }
    const request = { ...toDeploy(migrated), environment: { ...staging.environment, ...more } }
    const write = (file: string, text: string) => writeFileSync(path.join(staging.dir, file), text)
    await deploy(old)
    // In the release command; before, and after the switch.
    for (const [migrates, deploys] of [
      [WAITS, WRITES],
      ["true", `${WAITS}; ${WRITES}`],
      ["true", `${WRITES}; ${WAITS}`],
    ] as const) {
      write("migrate.sh", `echo "$PYLINE_RELEASE_COMMAND" >> migrated; ${migrates}`)
      staging.script(deploys)
      await killedOnceItWaits(start("deploy", request, 2))
      if (!deploys.startsWith(WRITES)) expect(staging.running()).toBe(old)
    }
    write("migrate.sh", "exit 1")
    staging.script("exit 1")
    // The last one had switched already: nothing is left to be done but to write it down.
    const ended = await run("deploy", request, 2)
    expect(ended).toMatchObject({ ok: true, unchanged: true, record: { event: "deployed" } })
    expect(staging.running()).toBe(migrated)
    expect(readFileSync(path.join(staging.dir, "migrated"), "utf8")).toBe("app migrate\n".repeat(3))
    expect(await on("status")).toMatchObject({ drift: false, working: null })
  })

  test("what was deployed outlives its tags in the registry, and the ledger its pointer", async () => {
    await deploy(old)
    await on("validate")
    await deploy(newer)
    const gone = ["old", "new", "pyline-staging"]
    for (const tag of gone) registry.forget(name, tag)
    await registry.collectGarbage()
    expect(await on("status")).toMatchObject({ deployed: { digest: newer }, drift: false })
    expect(await on("rollback")).toMatchObject({ ok: true, after: { digest: old } })
    const answer = await fetch(`http://${registry.host}/v2/${name}/manifests/${old}`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    })
    expect(answer.status).toBe(200)
  })

  test("of records that are written at once none is lost whose writer thinks that it is there", async () => {
    await deploy(old)
    let total = 0
    const program = `
import sys
from delivery import images, ledger
from delivery.errors import Raced
repository = images.repository_of(sys.argv[1])
book = ledger.Ledger(repository, "staging")
last = book.records(1)[0]
try:
    print(book.append("failed", last, by=sys.argv[2]).id)
except Raced:
    print("raced")
`
    const known = 2
    for (let round = 0; round < 2; round++) {
      const writers = ["ada", "bob", "eve"].map((who) => python(program, app(), who))
      const said = (await Promise.all(writers)).map((text) => lastLine(text))
      const won = said.filter((text) => text !== "raced")
      const { records } = (await on("history")) as unknown as { records: { id: string }[] }
      for (const id of won) expect(records.map((record) => record.id)).toContain(id)
      total += won.length
      expect(records).toHaveLength(known + total)
    }
  })

  test("an environment that does not answer is no verdict, and neither is a registry that is away", async () => {
    await deploy(old)
    const silent = { ...staging.environment, url: "http://127.0.0.1:9" }
    expect(await on("validate", { environment: silent })).toMatchObject({
      kind: "errored",
      code: "unreachable",
      message: "http://127.0.0.1:9/healthz does not answer (Connection refused)",
    })
    expect((await events())[0]).toBe("deployed")
    const answer: Answer = await on("deploy", {
      environment: { ...staging.environment, registry: "127.0.0.1:9/team/app" },
      image: `127.0.0.1:9/team/app@${newer}`,
      attempts: 1,
    })
    expect(answer).toMatchObject({
      ok: false,
      kind: "errored",
      code: "registry",
      registry: "unreachable",
    })
    expect(staging.running()).toBe(old)
  })
})
