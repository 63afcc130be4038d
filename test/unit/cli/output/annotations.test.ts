import { expect, test } from "vitest"
import { resultOf } from "../../../../ci/src/pipeline/result.ts"
import { annotations } from "../../../../cli/output/annotations.ts"
import { check, red, run } from "../../ci/runs.ts"

test("red tests and findings where they are, errors first", () => {
  const lint = check("lint", {
    outcome: "failed",
    findings: [
      { file: "src/a.py", line: 9, message: "line too long", severity: "warning", rule: "E501" },
      {
        file: "src/a.py",
        line: 3,
        column: 5,
        message: "`os` unused",
        severity: "error",
        rule: "F401",
      },
      { file: "src/a.py", line: 4, message: "a hint", severity: "note" },
    ],
  })
  const types = check("types", { outcome: "errored", summary: "mypy could not be installed" })
  const result = resultOf([run("3.11"), red("3.13", "test_b")], [lint, types])
  expect(annotations(result)).toEqual([
    "::error file=tests/test_a.py,line=7,title=tests/test_a.py%3A%3Atest_b (Python 3.13)::assert 1 == 2",
    "::error file=src/a.py,line=3,col=5,title=lint%3A F401::`os` unused",
    "::error title=types::mypy could not be installed",
    "::warning file=src/a.py,line=9,title=lint%3A E501::line too long",
  ])
})

test("a project in a folder of the repository has its files there", () => {
  expect(annotations(resultOf([red("3.13", "test_b")]), "services/api")[0]).toContain(
    "file=services/api/tests/test_a.py,",
  )
})

test("nothing that a test says is a command of its own", () => {
  const made = red("3.13", "x")
  made.failures = [
    {
      id: "a,b::c\n::set-env name=X::y",
      kind: "failed",
      file: "t,:.py",
      message: "50%\r\n::error::z",
    },
  ]
  expect(annotations(resultOf([made]))).toEqual([
    "::error file=t%2C%3A.py,title=a%2Cb%3A%3Ac%0A%3A%3Aset-env name=X%3A%3Ay::50%25%0D%0A::error::z",
  ])
})

test("no more than GitHub shows", () => {
  const ids = Array.from({ length: 30 }, (_, index) => `test_${index}`)
  expect(annotations(resultOf([red("3.13", ...ids)]))).toHaveLength(10)
})
