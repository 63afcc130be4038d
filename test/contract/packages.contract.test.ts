import type { Client } from "@dagger.io/dagger"
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest"
import { UV } from "../../ci/src/pipeline/toolbox.ts"
import { OwnEngine } from "./servers/engine.ts"
import { PackageIndex } from "./servers/packages.ts"

// What a package index does wrong while a step installs from it.

let engine: OwnEngine
let index: PackageIndex
beforeAll(async () => {
  engine = await OwnEngine.create()
  await engine.session((client) => withUv(client).sync())
})
afterAll(() => engine?.remove())
beforeEach(async () => {
  index = await PackageIndex.start()
})
afterEach(() => index.down())

const withUv = (client: Client) =>
  client
    .container()
    .from("python:3.11-slim")
    .withExec(["pip", "install", "--quiet", "--root-user-action=ignore", `uv==${UV}`])

/** Installs a package and says which version can be imported. The cache is shared by all tests. */
function install(name: string): Promise<string> {
  return engine.session((client) =>
    withUv(client)
      .withMountedCache("/cache", client.cacheVolume(`uv-${UV}`))
      .withEnvVariable("UV_CACHE_DIR", "/cache")
      .withEnvVariable("UV_LINK_MODE", "copy")
      .withEnvVariable("UV_HTTP_TIMEOUT", "5")
      .withExec(["uv", "pip", "install", "--system", "--index-url", index.url, name])
      .withExec(["python3", "-c", `import ${name}; print(${name}.VERSION)`])
      .stdout(),
  )
}

const complaint = (work: Promise<string>) =>
  work.then(
    (value) => `it went well: ${value}`,
    (error: Error & { stderr?: string }) => `${error.message}\n${error.stderr ?? ""}`,
  )

test("an index that resets connections and answers 503 for a while is asked again", async () => {
  index.add("wobbly", "1.2", 400_000)
  index.script.fail(/GET \/simple\/wobbly/, { status: 503 }, 1)
  index.script.fail(/GET \/files\//, { resetAfter: 100_000 }, 2)
  expect(await install("wobbly")).toBe("1.2\n")
})

test("an index that is down fails the step, which says what it asked; a later run goes on", async () => {
  index.add("absent", "1.0")
  await index.down()
  const said = await complaint(install("absent"))
  expect(said).toMatch(/^exit code: [12]\n/)
  expect(said).toContain(index.url)
  expect(said).toMatch(/connection refused/i)
  await index.up()
  expect(await install("absent")).toBe("1.0\n")
})

test("what an index does not have fails at once", async () => {
  const said = await complaint(install("nowhere"))
  expect(said).toMatch(/nowhere.*not found/)
  expect(index.script.asked).toHaveLength(1)
})

test("a wheel that arrives cut off or corrupt gets into no cache", async () => {
  index.add("broken", "2.0", 300_000)
  index.script.fail(/GET \/files\//, { resetAfter: 200_000 })
  expect(await complaint(install("broken"))).toMatch(/^exit code: [12]\n[\s\S]*broken/)
  index.script.reset()
  index.script.fail(/GET \/files\//, { corrupt: true })
  expect(await complaint(install("broken"))).toMatch(/^exit code: [12]\n/)
  index.script.reset()
  expect(await install("broken")).toBe("2.0\n")
})
