import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import type { Plan } from "../../../ci/src/project/plan.ts"
import { planJson, showPlan } from "../../../ci/src/project/show.ts"
import { ERRORS } from "./errors.expected.ts"
import { errorOf, fixtureNames, planOf, pythonHas } from "./fixtures.ts"

const able = pythonHas("tomllib", "packaging")
const probed = able ? fixtureNames : []

const wrong = new Set(
  probed.filter((name) => {
    try {
      planOf(name)
      return false
    } catch {
      return true
    }
  }),
)

/** Dependencies of a uv.lock without the texts of its documents. */
const withoutTexts = (value: object): unknown =>
  JSON.parse(JSON.stringify(value), (key, inner) =>
    key === "documents" ? Object.keys(inner) : inner,
  )

/** The plan as text, and what of it `plan` does not print; the texts of a lock are only named. */
function described(plan: Plan): string {
  const {
    dependencies,
    package: install,
    runner,
    coverage,
    workers,
    services,
    pythonPath,
    matrix,
  } = plan
  const layer =
    dependencies.kind === "uv"
      ? { ...dependencies, documents: Object.keys(dependencies.documents) }
      : dependencies
  const { checks } = plan
  // What is checked where nothing says so is told of once, and not by every fixture.
  const says = plan.decisions.some(({ about }) => ["lint", "format", "types"].includes(about))
  const own = says || checks.lock?.kind === "compiled" ? { checks: withoutTexts(checks) } : {}
  return `${showPlan(plan)}\n\n${JSON.stringify({ layer, install, runner, coverage, workers, services, pythonPath, matrix, ...own }, undefined, 2)}\n`
}

describe.skipIf(!able)("plans (skipped where python3 has no tomllib or packaging)", () => {
  test.each(fixtureNames.filter((name) => !wrong.has(name)))("%s", async (name) => {
    const file = fileURLToPath(new URL(`plans/${name}.txt`, import.meta.url))
    await expect(described(planOf(name))).toMatchFileSnapshot(file)
  })
})

test.skipIf(!able)("as JSON a plan gives digests for the texts of a lock", () => {
  const before = JSON.parse(planJson(planOf("uv_library")))
  expect(before.dependencies.documents["uv.lock"]).toMatch(/^sha256:[0-9a-f]{64}$/)
  const after = JSON.parse(planJson(planOf("uv_library_bumped")))
  expect(after.dependencies).toEqual(before.dependencies)
})

describe.skipIf(!able)(
  "errors, word for word (skipped where python3 has no tomllib or packaging)",
  () => {
    test("all that are wrong are listed here", () => {
      expect([...wrong]).toEqual(Object.keys(ERRORS).sort())
    })

    test.each(Object.entries(ERRORS))("%s", (name, message) => {
      expect(errorOf(name)).toBe(message)
    })
  },
)
