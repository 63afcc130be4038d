import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { DockerRegistry, hasDockerRegistry, LOGIN } from "../contract/servers/dockerRegistry.ts"
import { cosign, hasCosign } from "./cosign.ts"
import { folder, lastLine, pyline } from "./pyline.ts"

// Needs a real registry: Debian's docker-registry.

const keys = path.resolve(import.meta.dirname, "../data/cosign")
const env = {
  REGISTRY_PASSWORD: `${LOGIN.password}\n`,
  WRONG_PASSWORD: "hunter2-hunter2",
  KEY_PASSWORD: "",
}
const basic = `Basic ${Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64")}`
const OCI = "application/vnd.oci.image.manifest.v1+json"

interface Manifest {
  layers: { digest: string; size: number }[]
  config: { digest: string; size: number }
}

let registry: DockerRegistry
let source: string
const app = () => `${registry.host}/team/shop`
const git = (...args: string[]) =>
  execFileSync("git", ["-C", source, "-c", "user.name=a", "-c", "user.email=a@b.test", ...args], {
    encoding: "utf8",
  }).trim()
const commit = () => {
  git("add", "-A")
  git("commit", "-q", "--allow-empty", "-m", "change")
  return git("rev-parse", "HEAD").slice(0, 12)
}

/** Publishes the project; with the right password unless told otherwise. */
const publish = (...args: string[]) =>
  pyline(
    [
      ...["publish", "--source", source, "--registry", app(), "--username", LOGIN.username],
      ...(args.some((arg) => arg.startsWith("--password"))
        ? []
        : ["--password=env:REGISTRY_PASSWORD"]),
      ...args,
    ],
    { env },
  )

const ask = (at: string, accept = OCI) =>
  fetch(`http://${registry.host}/v2/team/shop/${at}`, { headers: { authorization: basic, accept } })

const tags = async () => ((await (await ask("tags/list")).json()) as { tags?: string[] }).tags ?? []

const digestOf = async (tag: string) =>
  (await ask(`manifests/${tag}`)).headers.get("docker-content-digest")

const manifestOf = async (tag: string) => (await (await ask(`manifests/${tag}`)).json()) as Manifest

describe.skipIf(!hasDockerRegistry)("publish", () => {
  beforeAll(async () => {
    registry = await DockerRegistry.start({ login: true })
    source = folder()
    const files = {
      // A word that no engine has seen.
      "shop/__main__.py": `print("open ${path.basename(source)}")\n`,
      "tests/test_shop.py": "def test_two():\n    assert 1 + 1 == 2\n",
      "pyproject.toml": `[project]
name = "shop"
version = "1.0.0"
requires-python = ">=3.13"

[tool.pyline]
start = "python -m shop"
`,
    }
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(source, name)), { recursive: true })
      writeFileSync(path.join(source, name), text)
    }
    git("init", "-q", "-b", "main", ".")
  })
  afterAll(() => registry?.remove())

  test("a wrong password is known before anything else is done, and is not repeated", async () => {
    commit()
    const run = await publish("--password=env:WRONG_PASSWORD")
    expect(run.exitCode, run.all).toBe(2)
    expect(run.all).toContain(
      `error[REGISTRY_REFUSED]: the registry refuses access: write to ${app()}: 401 (UNAUTHORIZED: authentication required)`,
    )
    expect(run.all).not.toMatch(/hunter2|1 passed/)
  })

  test("an image is tested and published under its commit, its version and its branch, with what it is beside it", async () => {
    const head = commit()
    const run = await publish(
      `--signing-key=file:${keys}/cosign.key`,
      "--signing-password=env:KEY_PASSWORD",
    )
    expect(run.exitCode, run.all).toBe(0)
    const digest = await digestOf("main")
    expect(lastLine(run.stdout)).toBe(`${app()}:${head}@${digest}`)
    expect(run.all).toContain("1 passed")
    // Neither when nor by what the engine has made it.
    const made = (await (
      await ask(`blobs/${(await manifestOf("main")).config.digest}`)
    ).json()) as {
      created: string
      history: { created: string; created_by: string }[]
    }
    const times = [made.created, ...made.history.map(({ created }) => created)]
    const when = Date.parse(git("log", "-1", "--format=%cI"))
    expect([...new Set(times)].map(Date.parse)).toEqual([when])
    expect(made.history.map(({ created_by }) => created_by).slice(-4)).toEqual([
      ...["python:3.13-slim", "system", "dependencies", "application"],
    ])
    expect(await Promise.all([head, "1.0.0"].map(digestOf))).toEqual([digest, digest])

    const out = path.join(folder(), "out")
    const login = ["--username", LOGIN.username, "--password=env:REGISTRY_PASSWORD"]
    const attachments = ["attachments", "--image", `${app()}:main`, ...login, "-o", out]
    expect((await pyline(attachments, { env })).exitCode).toBe(0)
    const read = (name: string) => JSON.parse(readFileSync(path.join(out, name), "utf8"))
    expect(read("release.json")).toMatchObject({
      schema: 1,
      name: app(),
      digest,
      tags: { stay: [head], keep: ["1.0.0"], move: ["main"] },
      revision: git("rev-parse", "HEAD"),
      version: "1.0.0",
      branch: "main",
      checks: expect.arrayContaining([
        { check: "test", outcome: "passed", summary: expect.stringMatching(/^1 passed in /) },
      ]),
      plan: { name: "shop", python: "3.13" },
    })
    expect(read("sbom.cdx.json")).toMatchObject({
      specVersion: "1.6",
      metadata: { component: { name: app(), version: "1.0.0" } },
    })
    expect(read("sbom.spdx.json")).toMatchObject({ spdxVersion: "SPDX-2.3" })

    const verify = (key: string) =>
      pyline(["verify", "--image", `${app()}:main`, `--key=${key}`, ...login], { env })
    const verified = await verify(path.join(keys, "cosign.pub"))
    expect(verified.exitCode, verified.all).toBe(0)
    expect(verified.stdout).toContain(`${app()}@${digest}\nsigned with the key `)
    expect(verified.stdout).toContain(`made from ${git("rev-parse", "HEAD")} main\n`)
    const other = path.join(folder(), "other.pub")
    execFileSync(
      "sh",
      ["-c", `openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout > "$0"`, other],
      { stdio: "pipe" },
    )
    const refused = await verify(other)
    expect(refused.exitCode, refused.all).toBe(1)
    expect(refused.all).toContain("error[SIGNATURE_MISSING]")
  })

  test.skipIf(!hasCosign)("cosign verifies the signature and the provenance", () => {
    const login = ["--registry-username", LOGIN.username, "--registry-password", LOGIN.password]
    const how = ["--key", `${keys}/cosign.pub`, "--insecure-ignore-tlog", "--allow-http-registry"]
    for (const command of [["verify"], ["verify-attestation", "--type=slsaprovenance1"]]) {
      const args = [...command, ...how, ...login, `${app()}:main`]
      const { status, stderr } = spawnSync(cosign, args, { encoding: "utf8" })
      expect(status, stderr).toBe(0)
      expect(stderr).toContain("The signatures were verified against the specified public key")
    }
  })

  test("after an edit of one line only that line's layer is new; the version stays where it is", async () => {
    const before = await manifestOf("main")
    const first = await digestOf("1.0.0")
    writeFileSync(
      path.join(source, "shop/__main__.py"),
      `print("closed ${path.basename(source)}")\n`,
    )
    const head = commit()
    const run = await publish("--skip-checks")
    expect(run.exitCode, run.all).toBe(0)
    const after = await manifestOf("main")
    const known = new Set(before.layers.map(({ digest }) => digest))
    const added = after.layers.filter(({ digest }) => !known.has(digest))
    expect(added).toHaveLength(1)
    const pushed = added.reduce((sum, { size }) => sum + size, after.config.size)
    expect(pushed).toBeLessThan(64 << 10)
    expect(await digestOf(head)).toBe(await digestOf("main"))
    expect(await digestOf("1.0.0")).toBe(first)
    expect(run.all).toContain(`${app()}:1.0.0 stays where it is, on ${first}: raise the version`)
  })

  test("a tag that never moves is an error, and no other tag moves then", async () => {
    const before = await digestOf("1.0.0")
    const run = await publish("--skip-checks", "--tags=1.0.0,latest")
    expect(run.exitCode, run.all).toBe(2)
    expect(run.all).toContain(`error[TAG_TAKEN]: ${app()}:1.0.0 is another image already`)
    expect(await digestOf("1.0.0")).toBe(before)
    expect(await tags()).not.toContain("latest")
  })

  test("what is in no commit has neither the commit's nor the branch's name", async () => {
    const before = await digestOf("main")
    writeFileSync(path.join(source, "shop/__main__.py"), "print('not committed')\n")
    const run = await publish("--skip-checks")
    expect(lastLine(run.stdout)).toMatch(/:[0-9a-f]{12}-dirty@sha256:[0-9a-f]{64}$/)
    expect(await digestOf("main")).toBe(before)
  })

  test("an image with a secret of the run in it is not uploaded", async () => {
    writeFileSync(path.join(source, "shop/__main__.py"), `AUTH = "${basic}"\n`)
    commit()
    const before = await tags()
    const upload = await digestOf("pyline-upload")
    const run = await publish("--skip-checks")
    expect(run.exitCode, run.all).toBe(2)
    expect(run.all).toContain(
      "error[SECRET_IN_IMAGE]: the image has a secret of this run in it, so it was not published",
    )
    expect(run.all).toMatch(/ {2}\/\S+\/__main__\.py: the value of --password \(base64\)/)
    expect(run.all).not.toContain(LOGIN.password)
    expect(await tags()).toEqual(before)
    expect(await digestOf("pyline-upload")).toBe(upload)
  })

  test("nothing is published of a project whose tests are red", async () => {
    writeFileSync(path.join(source, "shop/__main__.py"), "print('fine')\n")
    writeFileSync(
      path.join(source, "tests/test_shop.py"),
      "def test_two():\n    assert 1 + 1 == 3\n",
    )
    const head = commit()
    const run = await publish()
    expect(run.exitCode, run.all).toBe(1)
    expect(run.all).toContain("tests/test_shop.py")
    expect(await tags()).not.toContain(head)
  })
})
