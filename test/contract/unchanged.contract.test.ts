import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { Client } from "@dagger.io/dagger"
import { afterAll, beforeAll, expect, test } from "vitest"
import { BASE, sh, WORD } from "./engines.ts"
import { OwnEngine } from "./servers/engine.ts"

let engine: OwnEngine
let dir: string
beforeAll(async () => {
  engine = await OwnEngine.create()
  dir = mkdtempSync(path.join(tmpdir(), "pyline-unchanged-"))
  mkdirSync(`${dir}/src`)
  writeFileSync(`${dir}/src/main.py`, "print(1)\n")
})
afterAll(async () => {
  await engine?.remove()
  rmSync(dir, { recursive: true, force: true })
})

/** What a pipeline does: read a project, install, test, look at the results. */
async function pipeline(client: Client): Promise<unknown> {
  const source = client.host().directory(dir, { exclude: ["**/*.pyc"], gitignore: true })
  const base = client
    .container()
    .from(BASE)
    .withEnvVariable("A", "1")
    .withMountedCache("/cache", client.cacheVolume("unchanged"))
    .withSecretVariable("TOKEN", client.setSecret("unchanged", "value"))
    .withWorkdir("/src")
  const installed = sh(base, `mkdir -p /venv; ${WORD} > /venv/word`)
  const tested = sh(
    installed.withMountedDirectory("/src", source, { owner: "nobody" }),
    "python3 src/main.py; mkdir -p /out; echo ok > /out/report; exit 0",
  )
  return {
    plan: await source.file("src/main.py").contents(),
    listed: await source.glob("**/*.py"),
    word: await installed.file("/venv/word").contents(),
    digest: await installed.directory("/venv").digest(),
    out: await tested.stdout().catch((e) => e.message),
    report: await tested
      .directory("/out")
      .entries()
      .catch((e) => e.message),
    user: await installed.user(),
    there: await installed.exists("/venv/none"),
  }
}

test("an unchanged run does not even start BuildKit", async () => {
  const first = await engine.session(pipeline)
  await engine.stop()
  expect(await engine.session(pipeline)).toEqual(first)
  expect((await engine.status()).buildkit?.running).toBe(false)
})

test("an engine that is stopped leaves no cgroup", async () => {
  await engine.session((client) =>
    sh(client.container().from(BASE).withEnvVariable("ONCE", `${Date.now()}`), "true").sync(),
  )
  const [, name = ""] =
    /defaultCgroupParent = "(\S+)"/.exec(readFileSync(`${engine.state}/buildkitd.toml`, "utf8")) ??
    []
  const root = "/sys/fs/cgroup"
  const groups = () =>
    [root, ...readdirSync(root).map((controller) => path.join(root, controller))].filter((at) =>
      existsSync(path.join(at, name)),
    )
  expect(groups()).not.toEqual([])
  await engine.stop()
  expect(groups()).toEqual([])
})

test("an archive that is there as it was written is not written again, any other is", async () => {
  const archive = path.join(dir, "app.tar")
  const write = (label: string) =>
    engine.session(async (client) => {
      const made = client
        .container()
        .withNewFile("/a", "text")
        .withLabel("which", label)
        // Without it BuildKit's own times are in the archive.
        .withLabel("org.opencontainers.image.created", "2026-01-01T00:00:00Z")
      await made.export(archive)
      return statSync(archive)
    })
  const first = await write("one")
  const bytes = readFileSync(archive)
  await engine.stop()
  expect((await write("one")).ino).toBe(first.ino)
  expect((await engine.status()).buildkit?.running).toBe(false)

  appendFileSync(archive, "more")
  await write("one")
  expect(readFileSync(archive)).toEqual(bytes)
  rmSync(archive)
  await write("one")
  expect(readFileSync(archive)).toEqual(bytes)
  await write("two")
  expect(readFileSync(archive)).not.toEqual(bytes)
  await write("one")
  expect(readFileSync(archive)).toEqual(bytes)
})

test("a changed file does, and runs only what is behind it", async () => {
  const before = (await engine.session(pipeline)) as { word: string; plan: string }
  writeFileSync(`${dir}/src/main.py`, "print(2)\n")
  const after = (await engine.session(pipeline)) as { word: string; plan: string }
  expect(after.word).toBe(before.word)
  expect(after.plan).toBe("print(2)\n")
  expect((await engine.status()).buildkit?.running).toBe(true)
})

test("after a prune everything is made again, and then known again", async () => {
  const before = (await engine.session(pipeline)) as { word: string }
  await engine.prune()
  const after = (await engine.session(pipeline)) as { word: string }
  expect(after.word).not.toBe(before.word)
  expect(await engine.session(pipeline)).toEqual(after)
})
