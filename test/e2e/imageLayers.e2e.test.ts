import { randomUUID } from "node:crypto"
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { enginePaths } from "../../engine/daemon/paths.ts"
import { app, built, hasRunc, type Image, run, size, unpack } from "./oci.ts"
import { folder, pyline } from "./pyline.ts"

/** Names of everything in the layers above the base. */
const ours = (image: Image): string[] =>
  image.manifest.layers.slice(1).flatMap((_, index) => image.entries(index + 1))

describe.skipIf(!hasRunc)("layers (skipped where there is no runc)", () => {
  test("hold what runs and nothing else", async () => {
    const source = app("fastapi_uv")
    const put = (name: string, text: string): void => {
      mkdirSync(path.dirname(path.join(source, name)), { recursive: true })
      writeFileSync(path.join(source, name), text)
    }
    const secret = `secret-${randomUUID()}`
    const kept = [
      ".git/config",
      ".env",
      ".env.production",
      "greeter/.env",
      "deploy.key",
      "greeter/tls.pem",
      "id_rsa",
    ]
    const others = [
      "credentials.json",
      "dump.sqlite3",
      "greeter/__pycache__/main.cpython-313.pyc",
      ".aws/credentials",
    ]
    for (const name of [...kept, ...others, "tests/data.txt", "greeter/tests/test_deep.py"])
      put(name, secret)
    put("greeter/__init__.py", `# ${secret.slice(0, 8)}${randomUUID()}\n`)
    const image = await built(source, "--revision", "abc", "--created", "2026-01-31T12:00:00+01:00")
    const names = ours(image)
    expect(names).toContain("app/greeter/words.txt")
    expect(names.filter((name) => name.startsWith("app/")).sort()).toEqual([
      "app/",
      "app/greeter/",
      "app/greeter/__init__.py",
      "app/greeter/__pycache__/",
      "app/greeter/__pycache__/__init__.cpython-313.pyc",
      "app/greeter/__pycache__/main.cpython-313.pyc",
      "app/greeter/main.py",
      "app/greeter/words.txt",
      "app/pyproject.toml",
    ])
    expect(names.filter((name) => /site-packages\/_?(pytest|httpx)[/-]/.test(name))).toEqual([])

    const installers = [
      ...["pip", "pip3", "uv", "uvx", "poetry", "pdm", "pipenv", "conda", "easy_install"],
      ...["gcc", "cc", "g++", "clang", "make", "cargo", "rustc"],
    ]
    const code = `
import importlib.util, json, os, shutil, sys
found = {
    "programs": [name for name in ${JSON.stringify(installers)} if shutil.which(name)],
    "modules": [name for name in ("pip", "setuptools", "ensurepip", "uv") if importlib.util.find_spec(name)],
    "user": os.getuid(),
    "writable": [at for at in ("/app", "/opt/venv", "/etc", "/usr") if os.access(at, os.W_OK)],
}
print(json.dumps(found))
`
    const container = run(image, {}, ["python", "-c", code])
    expect(await container.ended, container.output()).toBe(0)
    expect(JSON.parse(container.output())).toMatchObject({
      programs: [],
      modules: [],
      writable: [],
    })
    expect(image.config.config.User).toBe("10001:10001")

    // Base, environment and source, and at most two in a hundred for what else there is: less, as installers are gone.
    const { rootfs, base } = image
    const parts = size(base) + size(`${rootfs}/opt/venv`) + size(`${rootfs}/app`)
    expect(size(rootfs)).toBeLessThan(parts * 1.02)

    expect(image.manifest.annotations).toMatchObject({
      "org.opencontainers.image.created": "2026-01-31T11:00:00Z",
      "org.opencontainers.image.revision": "abc",
      "org.opencontainers.image.version": "1.2.0",
      "org.opencontainers.image.licenses": "MIT",
      "org.opencontainers.image.source": "https://example.com/greeter",
    })
    expect(image.config.config.Labels).toMatchObject(image.manifest.annotations ?? {})
    const times = new Set([
      image.config.created,
      ...image.config.history.map(({ created }) => created),
    ])
    expect([...times]).toEqual(["1970-01-01T00:00:00Z"])
  })

  test("are the same on an engine that has never built anything, and an edit changes the last one alone", async () => {
    const source = app("fastapi_uv")
    const main = path.join(source, "greeter/main.py")
    appendFileSync(main, `\nONCE = "${randomUUID()}"\n`)
    const image = await built(source)
    const state = folder()
    const env = { PYLINE_STATE_DIR: state }
    copyFileSync(enginePaths().config, path.join(state, "engine.json"))
    chmodSync(state, 0o700)
    try {
      const archive = path.join(folder(), "image.tar")
      const made = await pyline(["image", "--source", source, "-o", archive], { env })
      expect(made.exitCode, made.all).toBe(0)
      expect(unpack(archive).digest).toBe(image.digest)
    } finally {
      await pyline(["engine", "stop"], { env })
    }

    appendFileSync(main, 'MORE = "than before"\n')
    const edited = await built(source)
    const [before, after] = [image.manifest.layers, edited.manifest.layers]
    expect(after.slice(0, -1)).toEqual(before.slice(0, -1))
    const changed = after.at(-1)
    expect(changed?.digest).not.toBe(before.at(-1)?.digest)
    expect(changed?.size).toBeLessThan(64 * 1024)

    // Neither a commit nor where the image is started from has to do with what is in it.
    // A commit that is younger than layers which are there already.
    const committed = await built(source, "--revision", "def", "--created", "2999-02-01T00:00:00Z")
    expect(committed.digest).not.toBe(edited.digest)
    expect(committed.manifest.layers).toEqual(after)
    expect(committed.config.history).toEqual(edited.config.history)
  })
})
