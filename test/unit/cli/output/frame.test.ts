import { expect, test } from "vitest"
import { frame, summary } from "../../../../cli/output/frame.ts"
import { Steps } from "../../../../cli/output/steps.ts"
import { log, step } from "./events.ts"

const screen = {
  columns: 40,
  rows: 24,
  colour: false,
  now: 12_400,
  truncate: (line: string, columns: number) =>
    line.length > columns ? `${line.slice(0, columns - 1)}…` : line,
}

function steps() {
  const all = new Steps()
  all.apply(step("pull python:3.13-slim", "cached"))
  all.apply(step("exec probe", "cached"))
  all.apply(step("exec uv sync --frozen --no-install-project", "done", { started: 0, ended: 2100 }))
  all.apply(step("exec pytest", "running", { started: 2200 }))
  for (let i = 1; i <= 8; i++)
    all.get("exec pytest")?.log.push(1, log("", `tests/test_${i}.py ${".".repeat(40)}\n`).data)
  all.apply(step("exec ruff check", "running", { started: 12_000 }))
  return all
}

test("what is over, and what runs with its last lines", () => {
  expect(frame(steps(), screen)).toMatchInlineSnapshot(`
    "● 2 steps  cached
    ✔ exec uv sync --frozen --no-in…  2.1 s
    ⠴ exec pytest  10 s
      │ tests/test_4.py ...................…
      │ tests/test_5.py ...................…
      │ tests/test_6.py ...................…
      │ tests/test_7.py ...................…
      │ tests/test_8.py ...................…
    ⠴ exec ruff check"
  `)
})

test("never more than the screen holds", () => {
  const lines = frame(steps(), { ...screen, rows: 6 }).split("\n")
  expect(lines.length).toBeLessThanOrEqual(5)
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "● 2 steps  cached
    ✔ exec uv sync --frozen --no-in…  2.1 s
    ⠴ exec pytest  10 s
    ⠴ exec ruff check"
  `)
})

test("what stays", () => {
  const all = steps()
  all.apply(step("exec pytest", "failed", { started: 2200, ended: 75_000 }))
  all.apply(step("exec ruff check", "canceled", { started: 12_000, ended: 75_000 }))
  expect(summary(all, screen)).toMatchInlineSnapshot(`
    "● 2 steps  cached
    ✔ exec uv sync --frozen --no-in…  2.1 s
    ✖ exec pytest  failed after 1 min 13 s
    ■ exec ruff…  cancelled after 1 min 03 s"
  `)
})
