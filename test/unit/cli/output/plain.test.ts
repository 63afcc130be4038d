import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { PlainReporter } from "../../../../cli/output/plain.ts"
import { log, step } from "./events.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function reporter() {
  let text = ""
  const plain = new PlainReporter((part) => {
    text += part
  }, false)
  return { plain, text: () => text }
}

test("a run: cached steps in a line, the others with their name before every line", () => {
  const { plain, text } = reporter()
  for (const name of [
    "pull python:3.13-slim",
    "exec pip install uv",
    "image toolbox",
    "exec probe",
  ])
    plain.event(step(name, "cached"))
  plain.event(step("exec uv sync --frozen", "running", { started: 0 }))
  plain.event(log("exec uv sync --frozen", "Resolved 3 pac"))
  plain.event(log("exec uv sync --frozen", "kages\nInstalled 3\nno line end"))
  plain.event(step("exec uv sync --frozen", "done", { started: 0, ended: 2100 }))
  plain.event(step("upload .", "running", { started: 2100 }))
  plain.event(step("upload .", "done", { started: 2100, ended: 2110 }))
  plain.event(step("exec pytest", "running", { started: 2200 }))
  plain.event(log("exec pytest", "\x1b[31mF\x1b[0m\x1b]0;evil\x07\n"))
  plain.event(
    step("exec pytest", "failed", { started: 2200, ended: 75_000, error: "exit code: 1" }),
  )
  plain.finish("red")
  expect(text()).toMatchInlineSnapshot(`
    "[cached] exec pip install uv, image toolbox, exec probe and 1 more
    [exec uv sync --frozen] Resolved 3 packages
    [exec uv sync --frozen] Installed 3
    [exec uv sync --frozen] no line end
    [exec uv sync --frozen] done in 2.1 s
    [exec pytest] F
    [exec pytest] failed in 1 min 13 s: exit code: 1
    "
  `)
})

test("all cached", () => {
  const { plain, text } = reporter()
  plain.event(step("exec uv sync", "cached"))
  plain.event(step("exec pytest", "cached"))
  plain.finish("good")
  expect(text()).toMatchInlineSnapshot(`
    "[cached] exec uv sync, exec pytest
    "
  `)
})

test("output of a failed step that came in pieces is printed again in one", () => {
  const { plain, text } = reporter()
  plain.event(step("exec ruff", "running"))
  plain.event(step("exec mypy", "running"))
  plain.event(log("exec ruff", "one\n"))
  plain.event(log("exec mypy", "other\n"))
  plain.event(log("exec ruff", "two\n"))
  plain.event(step("exec ruff", "failed", { started: 0, ended: 1000, error: "exit code: 1" }))
  plain.event(step("exec mypy", "canceled", { started: 0, ended: 1000 }))
  plain.finish("red")
  expect(text()).toMatchInlineSnapshot(`
    "[exec ruff] one
    [exec mypy] other
    [exec ruff] two
    [exec ruff] failed in 1.0 s: exit code: 1
    [exec mypy] canceled in 1.0 s
    ── all output of exec ruff
    one
    two
    ──
    "
  `)
})

test("a step that is silent is said to be running", () => {
  const { plain, text } = reporter()
  plain.event(step("exec pytest", "running", { started: Date.now() }))
  vi.advanceTimersByTime(65_000)
  plain.finish("interrupted")
  expect(text()).toMatchInlineSnapshot(`
    "[exec pytest] still running after 30 s
    [exec pytest] still running after 1 min 00 s
    [exec pytest] canceled in 1 min 05 s
    "
  `)
})

test("messages and long names", () => {
  const { plain, text } = reporter()
  plain.event({ type: "message", level: "warn", text: "no registry answers" })
  plain.event(step(`exec sh -c ${"x".repeat(80)}`, "running"))
  plain.event(log(`exec sh -c ${"x".repeat(80)}`, "hi\n\n"))
  expect(text()).toMatchInlineSnapshot(`
    "[pyline] no registry answers
    [exec sh -c xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…] hi
    [exec sh -c xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…]
    "
  `)
})
