import { appendFileSync, mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, beforeEach, expect, test } from "vitest"
import { Registry } from "../contract/servers/registry.ts"
import { folder, lastLine, pyline } from "./pyline.ts"

// What a registry does wrong while an image is published.

let registry: Registry
let source: string
beforeEach(async () => {
  registry = await Registry.start()
  registry.referrers = true
  source = folder()
  mkdirSync(path.join(source, "shop"))
  writeFileSync(path.join(source, "shop/__main__.py"), `print("${path.basename(source)}")\n`)
  writeFileSync(
    path.join(source, "pyproject.toml"),
    '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.13"\n[tool.pyline]\nstart = "python -m shop"\n',
  )
})
afterEach(() => registry.down())

const publish = (tags: string) =>
  pyline([
    ...["publish", "--source", source, "--registry", `${registry.host}/me/shop`],
    ...["--skip-checks", `--tags=${tags}`],
  ])

const manifests = () => registry.repositories.get("me/shop")?.manifests
/** Names that manifests were put under, in order. */
const put = () =>
  registry.script.asked
    .filter(({ method, path }) => method === "PUT" && path.includes("/manifests/"))
    .map(({ path }) => path.replace(/.*\//, "").replace(/^sha256:.*/, "by digest"))

test("an upload that breaks off is taken up again, and tags are last", async () => {
  registry.script.fail(/PUT .*\/blobs\/uploads/, { status: 502 }, 2)
  registry.script.fail(/PUT .*\/manifests\/latest/, { status: 503 }, 1)
  const until = Date.now() + 2_500
  registry.script.fail(/POST/, () =>
    Date.now() < until ? { status: 429, headers: { "retry-after": "3" } } : undefined,
  )
  const run = await publish("1.2.3,latest")
  expect(run.exitCode, run.all).toBe(0)
  expect(lastLine(run.stdout)).toMatch(/:1\.2\.3@sha256:[0-9a-f]{64}$/)
  const names = [...new Set(put())]
  expect(names).toEqual(["pyline-upload", "by digest", "latest", "1.2.3"])
  expect(manifests()?.get("1.2.3")?.body).toEqual(manifests()?.get("pyline-upload")?.body)
})

test("a registry that goes away in mid-push and comes back is waited for", async () => {
  registry.script.fail(
    /PATCH|PUT .*\/blobs\/uploads/,
    () => {
      void registry
        .down()
        .then(() => sleep(4_000))
        .then(() => registry.up())
      return { resetAfter: 0 }
    },
    1,
  )
  const run = await publish("latest")
  expect(run.exitCode, run.all).toBe(0)
  expect(manifests()?.has("latest")).toBe(true)
})

test("a registry that stays broken gets no tag", async () => {
  registry.script.fail(/PUT .*\/blobs\/uploads/, { status: 502 })
  const run = await publish("1.2.3,latest")
  expect(run.exitCode, run.all).toBe(3)
  expect(run.all).toContain("error[REGISTRY_FAILED]: failed to push")
  expect(run.all).toContain("The registry failed again and again.\nfix: try again later")
  expect(put()).toEqual([])
})

test("after an edit of one line little goes up, with all that is said of the image", async () => {
  const first = await publish("edge")
  expect(first.exitCode, first.all).toBe(0)
  const before = registry.received
  appendFileSync(path.join(source, "shop/__main__.py"), "print('more')\n")
  const second = await publish("edge")
  expect(second.exitCode, second.all).toBe(0)
  expect(lastLine(second.stdout)).not.toBe(lastLine(first.stdout))
  expect(registry.received - before).toBeLessThan(64 << 10)
  const types = [...(manifests()?.values() ?? [])].map(({ body }) => JSON.parse(body.toString()))
  const bills = types.filter(({ artifactType }) => artifactType === "application/spdx+json")
  expect(new Set(bills.map(({ subject }) => subject.digest)).size).toBe(2)
  expect(new Set(bills.map(({ layers }) => layers[0].digest)).size).toBe(1)
})
