import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { image, tar } from "../contract/servers/image.ts"
import { Registry } from "../contract/servers/registry.ts"
import { example, pyline } from "./pyline.ts"

// Dependency layers in a registry: who finds what, and who believes it.

let registry: Registry
let source: string
const env = { CACHE_KEY: "a key that only trusted runs have", CACHE_LOGIN: "robot:s3cret-word" }
const cache = () => ["--cache", `${registry.host}/team/cache`, "--cache-login=env:CACHE_LOGIN"]
const trusted = () => [...cache(), "--cache-key=env:CACHE_KEY"]
const run = (...args: string[]) =>
  pyline(["test", "--source", source, "--args=tests/test_store.py", ...args], { env })

const manifests = () => {
  const found = registry.repositories.get("team/cache")?.manifests
  if (found === undefined) throw new Error("nothing was written to the cache")
  return found
}
/** The tag of the one entry. */
const entry = () => [...manifests().keys()].find((name) => /^deps-[0-9a-f]{40}$/.test(name)) ?? ""
const writes = () => registry.script.count(/^(PUT|POST|PATCH)/)
/** Whether it was installed here, be it in this run or in one that this engine remembers. */
const INSTALLED = /uv sync/

beforeAll(async () => {
  registry = await Registry.start()
  registry.login = { username: "robot", password: "s3cret-word" }
  source = example("fastapi-uv")
})
afterAll(() => registry?.down())

test("who has no key writes nothing", async () => {
  const { exitCode, all } = await run(...cache())
  expect(exitCode, all).toBe(0)
  expect(all).toMatch(/:deps-[0-9a-f]{40} not there/)
  expect(all).toMatch(INSTALLED)
  expect(writes()).toBe(0)
})

test("who has it writes what is not there, and the next run installs nothing", async () => {
  const first = await run(...trusted())
  expect(first.exitCode, first.all).toBe(0)
  expect(entry()).toMatch(/^deps-/)
  expect(manifests().has(`${entry()}.mac`)).toBe(true)
  registry.script.reset()
  const second = await run(...trusted())
  expect(second.exitCode, second.all).toBe(0)
  expect(second.all).toMatch(/:deps-[0-9a-f]{40} sha256:/)
  expect(second.all).not.toMatch(INSTALLED)
  expect(writes()).toBe(0)
})

test("who has no key finds it too, and writes nothing", async () => {
  registry.script.reset()
  const { exitCode, all } = await run(...cache())
  expect(exitCode, all).toBe(0)
  expect(all).not.toMatch(INSTALLED)
  expect(writes()).toBe(0)
})

test("other dependencies are another entry", async () => {
  const other = example("flask-requirements")
  registry.script.reset()
  const { exitCode, all } = await pyline(["test", "--source", other, ...cache()], { env })
  expect(exitCode, all).toBe(0)
  expect(all).toMatch(/:deps-[0-9a-f]{40} not there/)
})

test("an image that somebody else put there is believed by nobody who has the key, and not by publish", async () => {
  const tag = entry()
  const poison = image([tar({ "/opt/venv/bin/python": randomBytes(100) })])
  registry.add("team/cache", tag, poison)
  const { exitCode, all } = await run(...trusted())
  expect(exitCode, all).toBe(0)
  expect(all).toContain(`${tag} nothing vouches for it`)
  expect(all).toMatch(INSTALLED)
  // It was put right, so that the next one finds the good one again.
  expect(manifests().get(tag)?.body.equals(poison.manifest)).toBe(false)

  // What vouches for one entry vouches for no other.
  registry.add("team/cache", tag, poison)
  const stolen = manifests().get(`${tag}.mac`)
  manifests().set(`deps-${"0".repeat(40)}.mac`, stolen as NonNullable<typeof stolen>)
  writeFileSync(path.join(source, "Procfile"), "web: python -m app.main\n")
  const target = [
    "--registry",
    `${registry.host}/team/app`,
    "--username=robot",
    "--password=env:PASSWORD",
  ]
  const publish = ["publish", "--source", source, ...target, "--tags=edge", "--skip-checks"]
  const published = await pyline([...publish, ...cache()], {
    env: { ...env, PASSWORD: "s3cret-word" },
  })
  expect(published.exitCode, published.all).toBe(0)
  expect(published.all).toContain(
    "--cache is not used for what is published: without --cache-key nobody vouches for it",
  )
  expect(published.all).not.toContain("deps-")
})

test("a cache that is away makes no run red", async () => {
  await registry.down()
  const { exitCode, all } = await run(...trusted())
  await registry.up()
  expect(exitCode, all).toBe(0)
  expect(all).toContain("the cache could not be read, so the run goes on without it:")
  expect(all).toContain("7 passed")
})
