import { expect, test } from "vitest"
import type { SessionEvent } from "../../../engine/daemon/api-contract.ts"
import { Progress } from "../../../engine/graph/progress.ts"
import type { Vertex } from "../../../engine/llb/vertex.ts"

const vertex = { digest: "sha256:1", name: "exec pip install", exec: {} } as unknown as Vertex
const byDigest = new Map([[vertex.digest, vertex]])

function told(...seen: { started?: number; completed?: number; cached?: boolean }[]): string[] {
  const events: SessionEvent[] = []
  const progress = new Progress((event) => events.push(event))
  for (const one of seen)
    progress.solveEvent({ vertex: { digest: vertex.digest, name: "", ...one } } as never, byDigest)
  return events.flatMap((event) => (event.type === "step" ? [event.status] : []))
}

test("a step that two solves have in common ends for both of them", () => {
  expect(
    told(
      { started: 1 },
      { started: 1, completed: 5 },
      { started: 6 },
      { started: 6, completed: 6, cached: true },
    ),
  ).toEqual(["running", "done", "running", "cached"])
})

test("what was told of once is not told of again where it is only found in the cache", () => {
  expect(
    told({ started: 1 }, { started: 1, completed: 5 }, { completed: 6, cached: true }),
  ).toEqual(["running", "done"])
})
