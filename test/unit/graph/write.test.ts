import { expect, test } from "vitest"
import { fromTree, withDirectory, withNewFile } from "../../../engine/graph/directory.ts"
import { write } from "../../../engine/graph/write.ts"
import { makeTree } from "../../../engine/host/tree.ts"
import { fsKey } from "../../../engine/llb/vertex.ts"

const host = fromTree(
  makeTree("/host", [{ path: "run.sh", type: "file", mode: 0o755, size: 0, mtimeNs: 0n }]),
)

test("a file that is written again keeps its mode", () => {
  const first = write(write(null, "/run", "a", 0o755), "/other", "x")
  expect(fsKey(write(first, "/run", "b"))).toBe(fsKey(write(first, "/run", "b", 0o755)))
  expect(fsKey(write(first, "/run", "b", 0o600))).not.toBe(fsKey(write(first, "/run", "b")))
})

test("so does a file of the host", () => {
  expect(fsKey(withNewFile(host, "run.sh", "b").fs)).toBe(
    fsKey(withNewFile(host, "run.sh", "b", 0o755).fs),
  )
})

test("of what is behind anything else nothing is known", () => {
  const copied = withDirectory(host, "x", host)
  expect(fsKey(withNewFile(copied, "run.sh", "b").fs)).not.toBe(
    fsKey(withNewFile(copied, "run.sh", "b", 0o755).fs),
  )
})
