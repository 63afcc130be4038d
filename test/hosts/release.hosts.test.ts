import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { DockerRegistry, hasDockerRegistry, LOGIN } from "../contract/servers/dockerRegistry.ts"
import { act } from "./act.ts"
import { gitlab } from "./gitlab.ts"
import { machine, project } from "./host.ts"
import { run as jenkins } from "./jenkins.ts"
import { Place, releasedTo } from "./place.ts"
import { circleci, travis } from "./steps.ts"

// A push to the main branch, with the file that `pyline init` writes for a project with two environments: checks, the
// image, staging, validation there, and the same digest in production. The registry is a real one with a login.

const registryVariables = { REGISTRY_USERNAME: LOGIN.username, REGISTRY_PASSWORD: LOGIN.password }

describe.skipIf(!hasDockerRegistry)(
  "a push to the main branch (skipped without docker-registry)",
  () => {
    let registry: DockerRegistry
    let staging: Place
    let production: Place
    beforeAll(async () => {
      staging = await new Place().open()
      production = await new Place().open()
    })
    beforeEach(async () => {
      registry = await DockerRegistry.start({ login: true })
      for (const place of [staging, production]) Object.assign(place, { running: "", status: 200 })
      return () => registry.remove()
    })
    afterAll(() => {
      for (const place of [staging, production]) place?.close()
    })
    const released = (host: string, red = false) =>
      project(host, { red, files: releasedTo(registry.host, staging, production) })
    const sameInBoth = () => {
      expect(staging.running).toMatch(/^sha256:[0-9a-f]{64}$/)
      expect(production.running).toBe(staging.running)
    }

    test("GitHub", async (context) => {
      const secrets = { GITHUB_TOKEN: LOGIN.password }
      const words = ["--actor", LOGIN.username]
      const run = await act(await released("github"), context, "push", { secrets, words })
      expect(run.exitCode, run.said).toBe(0)
      expect(run.said).not.toContain(LOGIN.password)
      expect(run.artifacts["pyline-reports"]).toContain("result.json")
      sameInBoth()
    })

    test("GitHub: what is red reaches neither of them", async (context) => {
      const secrets = { GITHUB_TOKEN: LOGIN.password }
      const words = ["--actor", LOGIN.username]
      const run = await act(await released("github", true), context, "push", { secrets, words })
      expect(run.exitCode, run.said).toBe(1)
      expect(run.said).toMatch(/::error file=tests\/test_word\.py,line=2\b/)
      expect(run.artifacts["pyline-reports"]).toContain("result.json")
      expect([staging.running, production.running]).toEqual(["", ""])
    })

    test("GitLab", async (context) => {
      const words = [`CI_REGISTRY_USER=${LOGIN.username}`, `CI_REGISTRY_PASSWORD=${LOGIN.password}`]
      const flags = words.flatMap((word) => ["--variable", word])
      const run = await gitlab(await released("gitlab"), context, flags)
      expect(run.exitCode, run.said).toBe(0)
      sameInBoth()
    })

    test("Jenkins; and no other branch", async (context) => {
      const credentials = { registry: LOGIN }
      const shop = await released("jenkins")
      const other = await jenkins(shop, context, { branch: "feature", credentials })
      expect(other.exitCode, other.said).toBe(0)
      expect(staging.running).toBe("")
      const run = await jenkins(shop, context, { credentials })
      expect(run.exitCode, run.said).toBe(0)
      sameInBoth()
    })

    test("Travis CI", async () => {
      const { at } = await released("travis")
      const run = await travis(at, "release", { ...(await machine()), ...registryVariables })
      expect(run.passed, run.said).toBe(true)
      sameInBoth()
    })

    test("CircleCI", async () => {
      const { at } = await released("circleci")
      const run = await circleci(at, "release", { ...(await machine()), ...registryVariables })
      expect(run.passed, run.said).toBe(true)
      expect(run.stored).toContain("store_artifacts pyline-reports")
      sameInBoth()
    })
  },
)
