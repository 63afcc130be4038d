import { type Client, ExecError } from "@dagger.io/dagger"
import { expect, test } from "vitest"
import { describeEngines, sh, WORD } from "./engines.ts"

describeEngines("a secret", (bench) => {
  const withToken = (client: Client, value: string, name = bench.nonce) =>
    bench.fresh(client).withSecretVariable("TOKEN", client.setSecret(name, value))

  test("is *** in whatever is printed", async () => {
    await bench.engine.session(async (client) => {
      const c = sh(
        withToken(client, "open-sesame"),
        "echo say $TOKEN; echo $TOKEN$TOKEN >&2; printf open-; sleep 0.3; printf sesame",
      )
      expect(await c.stdout()).toBe("say ***\n***")
      expect(await c.stderr()).toBe("******\n")
    })
  })

  test("is *** in errors", async () => {
    await bench.engine.session(async (client) => {
      const error = await sh(
        withToken(client, "open-sesame"),
        "echo $TOKEN | tee /dev/stderr; exit 1",
      )
        .sync()
        .catch((e) => e)
      expect(error).toBeInstanceOf(ExecError)
      expect(JSON.stringify([error.message, error.stdout, error.stderr])).not.toContain("sesame")
      expect(error.stdout).toBe("***")
    })
  })

  test("is mounted for its owner alone, and leaves nothing behind", async () => {
    await bench.engine.session(async (client) => {
      const secret = client.setSecret(bench.nonce, "open-sesame")
      const c = sh(
        bench.fresh(client).withMountedSecret("/run/token", secret, { owner: "nobody" }),
        "stat -c '%a %U' /run/token; wc -c < /run/token",
      )
      expect(await c.stdout()).toBe("400 nobody\n11\n")
      expect(await c.mounts()).toEqual([])
      expect(await c.rootfs().exists("run/token")).toBe(false)
    })
  })

  test("counts by its name, not by its value", async () => {
    await bench.engine.session(async (client) => {
      const word = (name: string, value: string) =>
        sh(withToken(client, value, name), WORD).stdout()
      const one = await word(bench.nonce, "first value")
      expect(await word(bench.nonce, "second value")).toBe(one)
      expect(await word(`${bench.nonce}-2`, "first value")).not.toBe(one)
    })
  })

  test("may have two values under one name in one graph", async () => {
    await bench.engine.session(async (client) => {
      const size = 'printf %s "$TOKEN" | wc -c'
      const first = sh(withToken(client, "four"), `${size} > /first`)
      const second = sh(
        first.withSecretVariable("TOKEN", client.setSecret(bench.nonce, "sixteen letters!")),
        `${size} > /second; cat /first /second`,
      )
      expect(await second.stdout()).toBe("4\n16\n")
    })
  })

  test("from the environment counts by its value", async () => {
    const word = () =>
      bench.engine.session((client) =>
        sh(
          bench.fresh(client).withSecretVariable("TOKEN", client.secret("env://PYLINE_TEST_TOKEN")),
          WORD,
        ).stdout(),
      )
    process.env.PYLINE_TEST_TOKEN = `one ${bench.nonce}`
    const one = await word()
    expect(await word()).toBe(one)
    process.env.PYLINE_TEST_TOKEN = `two ${bench.nonce}`
    expect(await word()).not.toBe(one)
    delete process.env.PYLINE_TEST_TOKEN
  })

  test("that is not there fails where it is used", async () => {
    await bench.engine.session(async (client) => {
      const missing = client.secret("env://PYLINE_TEST_NOT_SET")
      await expect(missing.plaintext()).rejects.toThrow("secret env var not found")
      const c = bench.fresh(client).withSecretVariable("TOKEN", missing)
      await expect(sh(c, "true").sync()).rejects.toThrow("secret env var not found")
    })
  })
})
