import { describe, expect, test } from "vitest"
import { configure, scratch, setPair, withNewFile } from "../../../engine/graph/container.ts"
import { clashes } from "../../../engine/graph/request.ts"
import { setSecret } from "../../../engine/graph/secret.ts"
import { identify } from "../../../engine/graph/values.ts"
import { exec } from "../../../engine/llb/exec.ts"
import { edit, mkfile } from "../../../engine/llb/file.ts"

const c = scratch("linux/amd64")

describe("ids", () => {
  test("are equal for equal values, made in whatever way", () => {
    const make = () => configure(withNewFile(c, "/a", "x", {}), { workdir: "/w" })
    expect(identify(make())).toBe(identify(make()))
    expect(identify(make())).toMatch(/^Container:[0-9a-f]{40}$/)
  })

  test("differ in whatever a value says", () => {
    const others = [
      c,
      configure(c, { workdir: "/w" }),
      configure(c, { env: setPair([], "A", "1") }),
      withNewFile(c, "/a", "x", {}),
      withNewFile(c, "/a", "y", {}),
      { ...c, volatileEnv: [{ name: "V", value: "1" }] },
      { ...c, volatileEnv: [{ name: "V", value: "2" }] },
      setSecret("n", "v"),
      setSecret("n", "v"),
    ]
    expect(new Set(others.map(identify)).size).toBe(others.length)
  })

  test("say nothing of a secret's value", () => {
    const secret = setSecret("name", "open-sesame")
    expect(JSON.stringify(secret)).not.toContain("sesame")
  })
})

describe("steps that know one secret by different values", () => {
  const fs = edit(null, mkfile("/f", Buffer.from("")))
  const step = (name: string, id: string, value: string) =>
    exec({
      name,
      args: [name],
      env: [],
      cwd: "/",
      root: fs,
      mounts: [],
      secretEnv: [{ id, name: "S" }],
      secrets: [{ id, plaintext: async () => Buffer.from(value) }],
      shimFs: fs,
      shim: { mode: "exec", spec: { name } },
    }).vertex

  const jobs = async (...steps: ReturnType<typeof step>[]) =>
    (await clashes(steps)).map((job) => job.map((v) => v.name))

  test("run in jobs of their own, all but the last", async () => {
    const [a, b, d] = [step("a", "x", "1"), step("b", "y", "2"), step("d", "x", "3")]
    expect(await jobs(a, b, d)).toEqual([["a", "b"]])
    expect(await jobs(a, d, a)).toEqual([["a"], ["d"]])
  })

  test("run together where the values are the same", async () => {
    expect(await jobs(step("a", "x", "1"), step("b", "x", "1"))).toEqual([])
  })
})
