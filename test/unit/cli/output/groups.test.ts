import { expect, test } from "vitest"
import { defuse, fence } from "../../../../cli/output/github.ts"
import { GroupReporter } from "../../../../cli/output/groups.ts"
import { log, step } from "./events.ts"

function reporter() {
  let text = ""
  const groups = new GroupReporter(
    (part) => {
      text += part
    },
    fence("TOKEN"),
    false,
  )
  return { groups, text: () => text }
}

test("one fold a step, and no command of a step gets through", () => {
  const { groups, text } = reporter()
  groups.event(step("pull python:3.13-slim", "cached"))
  groups.event(step("exec pytest\n::error::x", "running"))
  groups.event(log("exec pytest\n::error::x", "::set-env name=PATH::/evil\n"))
  groups.event(log("exec pytest\n::error::x", "##[group]x\n"))
  groups.event(step("exec pytest\n::error::x", "done", { started: 0, ended: 1500 }))
  groups.finish("good")
  expect(text()).toMatchInlineSnapshot(`
    "cached: pull python:3.13-slim
    ::group::exec pytest ::error::x
    ::stop-commands::TOKEN
    ::set-env name=PATH::/evil
    ##[group]x
    ::TOKEN::
    ::endgroup::
    exec pytest ::error::x: done in 1.5 s
    "
  `)
})

test("steps side by side: one is shown as it goes, the others when it is over", () => {
  const { groups, text } = reporter()
  groups.event(step("exec a", "running"))
  groups.event(step("exec b", "running"))
  groups.event(step("exec c", "running"))
  groups.event(log("exec a", "a1\n"))
  groups.event(log("exec b", "b1\n"))
  groups.event(log("exec c", "c1\n"))
  groups.event(log("exec a", "a2\n"))
  groups.event(step("exec b", "failed", { started: 0, ended: 1000 }))
  groups.event(step("exec a", "done", { started: 0, ended: 2000 }))
  groups.event(log("exec c", "c2\n"))
  groups.event(step("exec c", "done", { started: 0, ended: 3000 }))
  groups.finish("good")
  expect(text()).toMatchInlineSnapshot(`
    "::group::exec a
    ::stop-commands::TOKEN
    a1
    a2
    ::TOKEN::
    ::endgroup::
    exec a: done in 2.0 s
    ::group::exec b
    ::stop-commands::TOKEN
    b1
    ::TOKEN::
    ::endgroup::
    exec b: failed after 1.0 s
    ::group::exec c
    ::stop-commands::TOKEN
    c1
    c2
    ::TOKEN::
    ::endgroup::
    exec c: done in 3.0 s
    "
  `)
})

test("what a verb returns is no command either", () => {
  expect(defuse("ok\n::error::x\n  ::warning::y\na::b\n##[group]z\n[1::2]")).toBe(
    "ok\n: :error::x\n  : :warning::y\na::b\n## [group]z\n[1::2]",
  )
})
