import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { chooseEngine, findOnPath } from "../../../../cli/session/choose.ts"

let bin: string
const program = (name: string, code: number) => {
  writeFileSync(join(bin, name), `#!/bin/sh\nexit ${code}\n`)
  chmodSync(join(bin, name), 0o755)
}

beforeAll(() => {
  bin = mkdtempSync(join(tmpdir(), "pyline-path-"))
})
afterAll(() => rmSync(bin, { recursive: true }))

test("a session that is there already is used", async () => {
  const env = { DAGGER_SESSION_PORT: "1", DAGGER_SESSION_TOKEN: "t" }
  expect(await chooseEngine("auto", env)).toEqual({ kind: "given" })
  expect(await chooseEngine("embedded", env)).toEqual({ kind: "embedded" })
  await expect(chooseEngine("auto", { DAGGER_SESSION_PORT: "1" })).rejects.toThrow(
    "DAGGER_SESSION_PORT is set and DAGGER_SESSION_TOKEN is not",
  )
})

test("Dagger's engine is taken where it is named, or can be had at once", async () => {
  const env = { PATH: bin }
  expect(await chooseEngine("auto", env)).toEqual({ kind: "embedded" })
  expect(await chooseEngine("dagger", env)).toEqual({ kind: "dagger" })
  const runner = { PATH: bin, _EXPERIMENTAL_DAGGER_RUNNER_HOST: "tcp://engine:1234" }
  expect(await chooseEngine("auto", runner)).toEqual({ kind: "dagger" })

  program("dagger", 0)
  expect(await chooseEngine("auto", env)).toEqual({ kind: "embedded" })
  program("docker", 1)
  expect(await chooseEngine("auto", env)).toEqual({ kind: "embedded" })
  program("podman", 0)
  expect(await chooseEngine("auto", env)).toEqual({ kind: "dagger", cli: join(bin, "dagger") })
})

test("only executables count", () => {
  writeFileSync(join(bin, "notes"), "")
  expect(findOnPath("notes", { PATH: bin })).toBeUndefined()
  expect(findOnPath("sh", { PATH: `:/nowhere:/bin` })).toBe("/bin/sh")
})
