import { expect, test } from "vitest"
import { callFrom, type Flags } from "../../../ci/src/caller.ts"
import { reproduceTests } from "../../../ci/src/pipeline/reproduce.ts"
import { noCounts, type Run } from "../../../ci/src/pipeline/result.ts"
import type { Plan, RunnerKind } from "../../../ci/src/project/plan.ts"
import { planOf } from "./fixtures.ts"

let asked: Flags = {}
callFrom({
  notice: () => {},
  commandLine: (verb, flags) => {
    asked = flags
    return verb
  },
})

/** The arguments of the runner in the command line. */
function args(run: Partial<Run>, given: string[] = [], runner: RunnerKind = "pytest") {
  const base = planOf("uv_library")
  const plan: Plan = { ...base, runner: { ...base.runner, kind: runner } }
  const whole: Run = {
    name: "python-3.13",
    python: "3.13",
    verdict: "failed",
    counts: noCounts(),
    seconds: 1,
    failures: [],
    tail: [],
    ...run,
  }
  expect(reproduceTests(whole, plan, { args: given })).toBe("test")
  expect(asked["python"]).toEqual(["3.13"])
  return asked["args"]
}
const failures = (...ids: string[]) => ({
  failures: ids.map((id) => ({ id, kind: "failed" as const })),
})

test("the red tests are named", () => {
  expect(args(failures("tests/test_a.py::test_b"))).toEqual(["tests/test_a.py::test_b"])
  expect(args(failures("a.py::T::test_b[x y]", "tests/broken.py"))).toEqual([
    "a.py::T::test_b[x y]",
    "tests/broken.py",
  ])
})

test("of many the first is", () => {
  expect(args(failures("a.py::a", "a.py::b", "a.py::c", "a.py::d"))).toEqual(["a.py::a"])
})

test("the user's options stay, and the tests that they named do not", () => {
  const given = ["tests/", "-x", "-k", "name", "-p", "no:randomly", "tests/test_a.py", "--lf"]
  expect(args(failures("tests/test_a.py::test_b"), given)).toEqual([
    ...["-x", "-k", "name", "-p", "no:randomly", "--lf"],
    "tests/test_a.py::test_b",
  ])
})

test("unittest and Django take patterns of names", () => {
  const red = failures("tests/test_a.py::A::test_b", "tests/test_a.py::A::test_c (i=1)")
  const names = ["-k", "*test_a.A.test_b", "-k", "*test_a.A.test_c"]
  expect(args(red, ["-v", "-k", "other", "tests.test_b"], "unittest")).toEqual(["-v", ...names])
  expect(args(red, ["shop"], "django")).toEqual(names)
})

test("where tests cannot be named all run again", () => {
  expect(args(failures("unittest.loader._FailedTest.test_a"), ["-v"], "unittest")).toEqual(["-v"])
  expect(args(failures("a.py::a"), ["-x"], "tox")).toEqual(["-x"])
  expect(args({ verdict: "aborted", stopped: { kind: "usage", file: "pytest.ini" } })).toEqual([])
})

test("without a verdict it is the file that was running", () => {
  const stopped = { kind: "running", file: "tests/test_k.py" } as const
  expect(args({ verdict: "killed", stopped })).toEqual(["tests/test_k.py"])
  expect(args({ verdict: "killed", stopped: { ...stopped, test: "test_k" } })).toEqual([
    "tests/test_k.py::test_k",
  ])
  expect(args({ verdict: "aborted", stopped: { ...stopped, kind: "timeout" } }, ["-x"])).toEqual([
    "-x",
    "tests/test_k.py",
  ])
})
