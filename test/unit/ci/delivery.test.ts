import { describe, expect, test } from "vitest"
import {
  canValidate,
  environmentNamed,
  environmentsOf,
  refuseDownward,
  refuseShortcut,
} from "../../../ci/src/delivery/environments.ts"
import { showHistory, showStatus } from "../../../ci/src/delivery/show.ts"
import { deliveryFailed, exitClassOf } from "../../../ci/src/errors.ts"
import { appName, decideEnvironments } from "../../../ci/src/project/environments.ts"
import type { EnvironmentFact, Facts } from "../../../ci/src/project/facts.ts"
import type { Plan } from "../../../ci/src/project/plan.ts"

const decided = (...environments: EnvironmentFact[]) =>
  decideEnvironments(
    { settings: { file: "pyproject.toml", health: "/up", environments } } as unknown as Facts,
    "Shop.API",
  )
const planOf = (...environments: EnvironmentFact[]) =>
  ({ environments: decided(...environments).environments }) as Plan
const staging: EnvironmentFact = {
  name: "staging",
  target: "docker",
  host: "ssh://a@b.test",
  registry: "ghcr.io/me/app",
}
const production: EnvironmentFact = { name: "production", target: "docker", host: "ssh://a@c.test" }
const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error("was accepted")
}

describe("environments", () => {
  test("have every default that does not depend on the image", () => {
    expect(decided(staging).environments).toEqual([
      {
        ...staging,
        app: "shop-api",
        order: 1,
        health: "/up",
        healthTimeout: 60,
        timeout: 900,
        keep: 3,
        drain: 10,
        release: false,
        manual: false,
      },
    ])
  })

  test("a command as text is a line of a shell, and as a list it is itself", () => {
    const command: EnvironmentFact = {
      name: "demo",
      target: "command",
      deployCommand: "./deploy.sh --all",
      runningCommand: ["cat", "running"],
    }
    expect(decided(command).environments).toMatchObject([
      {
        deployCommand: ["/bin/sh", "-c", "exec ./deploy.sh --all"],
        runningCommand: ["cat", "running"],
      },
    ])
  })

  test("come in their order, which no two share", () => {
    const names = (...facts: EnvironmentFact[]) =>
      decided(...facts).environments?.map(({ name }) => name)
    expect(names(production, staging)).toEqual(["production", "staging"])
    expect(names({ ...production, order: 9 }, { ...staging, order: 3 })).toEqual([
      "staging",
      "production",
    ])
    expect(
      refusal(() => decided({ ...production, order: 3, line: 7 }, { ...staging, order: 3 })),
    ).toMatch(/order 3/)
  })

  test("one that names no repository has that of the one before it", () => {
    expect(environmentNamed(planOf(staging, production), "production").registry).toBe(
      "ghcr.io/me/app",
    )
    expect(environmentNamed(planOf(production), "production", "ghcr.io/me/x").registry).toBe(
      "ghcr.io/me/x",
    )
    expect(
      refusal(() => environmentNamed(planOf(production), "production")),
    ).toMatchInlineSnapshot(`
        "error[USAGE]: nothing says which repository the images of production are in
        fix: say so: [tool.pyline.environments.production] registry = "ghcr.io/me/app""
      `)
  })

  test("that are not there are named with those that are", () => {
    expect(
      refusal(() => environmentNamed(planOf(staging, production), "prod")),
    ).toMatchInlineSnapshot(`
        "error[ENVIRONMENT_UNKNOWN]: the project has no environment "prod"
        It has staging and production.
        fix: use one of them, or add [tool.pyline.environments.prod]
        docs: docs/delivery.md"
      `)
    expect(refusal(() => environmentsOf({} as Plan))).toMatchInlineSnapshot(`
      "error[ENVIRONMENT_UNKNOWN]: the project has no environments
      An environment is where the application runs, such as staging and production.
      fix: describe one: [tool.pyline.environments.staging] target = "docker", host = "ssh://…", registry = "ghcr.io/me/app"
      docs: docs/delivery.md"
    `)
  })

  test("are deployed to if they are the first, and else promoted to, upwards", () => {
    const plan = planOf(staging, production)
    expect(() => refuseShortcut(plan, "staging")).not.toThrow()
    expect(refusal(() => refuseShortcut(plan, "production"))).toMatchInlineSnapshot(`
      "error[PROMOTION_REFUSED]: images are not deployed to production: what runs and is verified on staging is promoted to it
      fix: pyline promote staging production; or --skip-promotion, which the ledger says then
      docs: docs/delivery.md"
    `)
    const [first, second] = environmentsOf(plan)
    if (!first || !second) throw new Error("two were given")
    expect(() => refuseDownward(first, second)).not.toThrow()
    expect(refusal(() => refuseDownward(second, first))).toMatchInlineSnapshot(`
      "error[PROMOTION_REFUSED]: production (order 2) does not come before staging (order 1)
      fix: pyline promote staging production
      docs: docs/delivery.md"
    `)
    expect(refusal(() => refuseDownward(second, second))).toMatch(/to itself/)
  })

  test("can be validated where they answer, or where there are tests of them", () => {
    const can = (more: Partial<EnvironmentFact>) =>
      canValidate(environmentNamed(planOf({ ...staging, ...more }), "staging"))
    expect(can({})).toBe(false)
    expect(can({ url: "https://b.test" })).toBe(true)
    expect(can({ validateCommand: "pytest acceptance" })).toBe(true)
  })

  test("containers can have the name of any project", () => {
    expect(["Shop.API", "--", undefined, `x${"-y".repeat(40)}`].map(appName)).toEqual([
      "shop-api",
      "app",
      "app",
      `x${"-y".repeat(19)}`,
    ])
  })
})

describe("what is said", () => {
  const trouble = { kind: "failed" as const, message: "GET /: expected 200, got 500" }

  test("a check that says no is red, with the last lines of the release", () => {
    const detail = ["its last lines:", "  boom"]
    expect(
      deliveryFailed({ ...trouble, code: "unhealthy", detail }, "staging").message,
    ).toMatchInlineSnapshot(`
        "error[DEPLOY_UNHEALTHY]: staging: GET /: expected 200, got 500
          its last lines:
            boom
        The new release was removed. What ran on staging before runs still.
        fix: find the cause in its last lines, and publish a new image
        docs: docs/delivery.md"
      `)
  })

  test("each kind of trouble has its exit status, also where its code is a new one", () => {
    const exit = (kind: "failed" | "request" | "errored", code: string) =>
      exitClassOf(deliveryFailed({ kind, code, message: "x", detail: [] }, "staging").message)
    expect([exit("failed", "new"), exit("request", "new"), exit("errored", "new")]).toEqual([
      1, 2, 3,
    ])
    expect([exit("failed", "older"), exit("errored", "locked")]).toEqual([1, 3])
    const registry = { kind: "errored" as const, code: "registry", message: "x", detail: [] }
    expect(exitClassOf(deliveryFailed({ ...registry, registry: "refused" }, "a").message)).toBe(2)
    expect(exitClassOf(deliveryFailed({ ...registry, registry: "broken" }, "a").message)).toBe(3)
  })

  test("what a validation said no to before is red, with when and why, and how it is tried again", () => {
    const rejected = {
      ...{ kind: "failed" as const, code: "rejected" },
      message:
        "the validation of production said no to sha256:aa at 2026-03-01T10:00:00Z (asked by ada)",
      detail: ["GET /healthz 200: expected 200, got 500"],
    }
    expect(deliveryFailed(rejected, "production", "staging").message).toMatchInlineSnapshot(`
      "error[DIGEST_REJECTED]: the validation of production said no to sha256:aa at 2026-03-01T10:00:00Z (asked by ada)
        GET /healthz 200: expected 200, got 500
      What a validation said no to does not come back by itself. Nothing was changed.
      fix: publish an image in which it is mended; where the cause was not in the image, try this one again: --again
      docs: docs/delivery.md"
    `)
  })

  const record = (event: "deployed" | "verified", more = {}) => ({
    ...{ id: "sha256:1", seq: 1, event, at: "2026-03-01T10:00:00Z", by: "ada" },
    ...{ digest: `sha256:${"a".repeat(64)}`, revision: "0123456789abcdef" },
    ...more,
  })
  const status = {
    environment: "staging",
    running: {
      digest: "sha256:aa",
      release: "",
      since: "2026-03-01T10:00:01Z",
      proof: "its label",
    },
    unknown: null,
    deployed: record("deployed"),
    verdict: null,
    held: null,
    working: null,
    trouble: null,
    drift: false,
  }

  test("of an environment", () => {
    expect(showStatus(status)).toMatchInlineSnapshot(`
      "staging: sha256:aa
        proof: its label
        since 2026-03-01T10:00:01Z
        deployed 2026-03-01T10:00:00Z by ada
        not verified"
    `)
    expect(showStatus({ ...status, drift: true })).toMatchInlineSnapshot(`
      "staging: sha256:aa
        proof: its label
        since 2026-03-01T10:00:01Z
        deployed 2026-03-01T10:00:00Z by ada
        this is not what was deployed: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    `)
    expect(
      showStatus({ ...status, running: null, unknown: "b.test does not answer" }),
    ).toMatchInlineSnapshot(`
      "staging: unknown: b.test does not answer
        deployed 2026-03-01T10:00:00Z by ada"
    `)
  })

  test("of its ledger", () => {
    expect(showHistory("staging", [])).toBe("nothing was ever deployed to staging")
    const records = [record("verified", { run: "https://ci.test/7" }), record("deployed")]
    const forged = [record("verified", { by: "\u001b[2Jada\nb", why: "\u009b31m" })]
    expect(showHistory("staging", forged)).toMatch(/\ufffd\[2Jada\ufffdb {2}\ufffd31m$/)
    const promoted = record("deployed", {
      source: { environment: "test", repository: "a", record: "b" },
      again: true,
    })
    expect(showHistory("staging", [promoted])).toMatch(/ada {2}from test, again$/)
    expect(showHistory("staging", records)).toMatchInlineSnapshot(`
      "2026-03-01T10:00:00Z  verified  sha256:aaaaaaaaaaaa  0123456789ab  ada https://ci.test/7
      2026-03-01T10:00:00Z  deployed  sha256:aaaaaaaaaaaa  0123456789ab  ada"
    `)
  })
})
