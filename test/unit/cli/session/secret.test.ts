import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { resolveSecret } from "../../../../cli/session/secret.ts"

const text = async (uri: string) => (await resolveSecret(uri)).toString()

test("from the environment", async () => {
  process.env.PYLINE_TEST_SECRET = "hunter2"
  expect(await text("env://PYLINE_TEST_SECRET")).toBe("hunter2")
  delete process.env.PYLINE_TEST_SECRET
  await expect(text("env://PYLINE_TEST_SECRET")).rejects.toThrow(
    'secret env var not found: "PYL..."',
  )
})

test("from a file, as it is", async () => {
  const dir = mkdtempSync(join(tmpdir(), "pyline secret %20 "))
  writeFileSync(join(dir, "a"), "hunter2\n")
  expect(await text(`file://${dir}/a`)).toBe("hunter2\n")
  rmSync(dir, { recursive: true })
})

test("from a command, which is not repeated when it fails", async () => {
  expect(await text("cmd://printf hunter2")).toBe("hunter2")
  await expect(text("cmd://echo hunter2; exit 3")).rejects.toThrow(
    /^the command of a secret failed: exit status 3$/,
  )
})

test("without a scheme it is no secret", async () => {
  await expect(text("hunter2")).rejects.toThrow("malformed id of a secret")
})

test("from elsewhere only on Dagger's engine", async () => {
  await expect(text("op://vault/item")).rejects.toThrow('unsupported secret provider: "op"')
})
