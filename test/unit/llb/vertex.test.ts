import { describe, expect, test } from "vitest"
import { diff, merge } from "../../../engine/llb/combine.ts"
import { exec } from "../../../engine/llb/exec.ts"
import { copy, edit, mkdir, mkfile } from "../../../engine/llb/file.ts"
import { encodeOp } from "../../../engine/llb/proto.ts"
import { localTree, registryImage } from "../../../engine/llb/source.ts"
import { closure, fsKey, vertex } from "../../../engine/llb/vertex.ts"

const tree = (root: string, digest: string) => ({ root, entries: [], digest: `sha256:${digest}` })
const base = registryImage(
  "docker.io/library/python:3.13-slim",
  `sha256:${"1".repeat(64)}`,
  "linux/amd64",
)

const step = (fs = base, args = ["true"]) =>
  exec({
    name: "exec true",
    args,
    env: ["A=1"],
    cwd: "/",
    root: fs,
    mounts: [],
    secretEnv: [],
    secrets: [],
    shimFs: base,
    shim: { mode: "exec", spec: { args } },
  })

test("the bytes are those of the whole operation, as its inputs and its platform are encoded with it", () => {
  const input = edit(null, mkdir("/a"))
  const op = { file: { actions: [{ input: 0, output: 0, rm: { path: "/a" } }] } }
  const made = vertex(op, {
    name: "rm",
    inputs: [base, { ...input, index: 2 }],
    platform: "linux/arm/v7",
  })
  const whole = encodeOp({
    inputs: [{ digest: base.vertex.digest }, { digest: input.vertex.digest, index: 2 }],
    ...op,
    platform: { OS: "linux", Architecture: "arm", Variant: "v7" },
    constraints: {},
  })
  expect(made.bytes.equals(whole)).toBe(true)
})

describe("keys", () => {
  test("equal calls give equal digests and keys", () => {
    const make = () => edit(base, mkfile("/a", Buffer.from("x")))
    expect(make().vertex.digest).toBe(make().vertex.digest)
    expect(fsKey(make())).toBe(fsKey(make()))
  })

  test("contents, mode, path and base each count", () => {
    const keys = [
      edit(base, mkfile("/a", Buffer.from("x"))),
      edit(base, mkfile("/a", Buffer.from("y"))),
      edit(base, mkfile("/b", Buffer.from("x"))),
      edit(base, mkfile("/a", Buffer.from("x"), 0o600)),
      edit(null, mkfile("/a", Buffer.from("x"))),
    ].map(fsKey)
    expect(new Set(keys).size).toBe(keys.length)
  })

  test("a host directory counts by content, not by where it is", () => {
    const [here, there, other] = [
      localTree(tree("/here", "a".repeat(64)), "/here", "here"),
      localTree(tree("/there", "a".repeat(64)), "/there", "there"),
      localTree(tree("/here", "b".repeat(64)), "/here", "here"),
    ]
    expect(fsKey(here)).toBe(fsKey(there))
    expect(fsKey(here)).not.toBe(fsKey(other))
    expect(here.vertex.digest).not.toBe(there.vertex.digest)
    const copied = (from: typeof here) => fsKey(edit(base, copy("/src", from, "/")))
    expect(copied(here)).toBe(copied(there))
  })

  test("the outputs of a step are told apart", () => {
    const { root, meta } = step()
    expect(root.index).toBe(0)
    expect(meta.index).toBe(1)
    expect(fsKey(root)).not.toBe(fsKey(meta))
  })

  test("the digest is the one that BuildKit gives: sha256 of the bytes", async () => {
    const { createHash } = await import("node:crypto")
    const { vertex } = merge([base, edit(null, mkdir("/x"))])
    expect(vertex.digest).toBe(`sha256:${createHash("sha256").update(vertex.bytes).digest("hex")}`)
  })
})

describe("closure", () => {
  test("inputs come before users, each once", () => {
    const a = edit(base, mkdir("/a"))
    const b = edit(a, mkdir("/b"))
    const order = closure([merge([b, a]), diff(a, b)])
    expect(order.map((v) => v.name)).toEqual([
      "pull docker.io/library/python:3.13-slim",
      "mkdir /a",
      "mkdir /b",
      "diff",
      "merge",
    ])
  })

  test("a chain of 20,000 steps does not overflow the stack", () => {
    let fs = edit(null, mkdir("/"))
    for (let i = 0; i < 20_000; i++) fs = edit(fs, mkdir("/d"))
    expect(closure([fs])).toHaveLength(20_001)
  })
})
