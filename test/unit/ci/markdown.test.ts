import { expect, test } from "vitest"
import { markdown } from "../../../ci/src/pipeline/markdown.ts"
import { resultOf } from "../../../ci/src/pipeline/result.ts"
import { check, red, run } from "./runs.ts"

test("a green run is a table and no more", () => {
  expect(markdown(resultOf([run("3.13")], [check("lint")]))).toMatchInlineSnapshot(`
    "# ✅ All 3 tests passed and lint passed

    |   | check | result | time |
    |---|---|---|---:|
    | ✅ | test 3.13 | 3 passed | 1.2 s |
    | ✅ | lint | lint found nothing | 0.5 s |
    "
  `)
})

test("what is red comes with what it said", () => {
  const failing = red("3.13", "test_b")
  Object.assign(failing.failures[0] ?? {}, { text: "E   assert 1 == 2", output: "so far so good" })
  const lint = check("lint", {
    outcome: "failed",
    summary: "1 problem in 1 file",
    findings: [
      { file: "src/a.py", line: 3, rule: "F401", message: "`os` unused", severity: "error" },
    ],
  })
  const types = check("types", {
    outcome: "errored",
    summary: "mypy could not be installed",
    detail: "dns error",
  })
  expect(markdown(resultOf([run("3.11"), failing], [lint, types]))).toMatchInlineSnapshot(`
    "# ❌ 1 of 3 tests failed on Python 3.13, lint failed and types could not run

    |   | check | result | time |
    |---|---|---|---:|
    | ✅ | test 3.11 | 3 passed | 1.2 s |
    | ❌ | test 3.13 | 2 passed, 1 failed | 1.2 s |
    | ❌ | lint | 1 problem in 1 file | 0.5 s |
    | ⚠️ | types | mypy could not be installed | 0.5 s |

    ## Failing tests

    | test | Python | where | what |
    |---|---|---|---|
    | tests/test\\_a.py::test\\_b | 3.13 | tests/test\\_a.py:7 | assert 1 == 2 |

    <details><summary>tests/test_a.py::test_b</summary>

    \`\`\`text
    E   assert 1 == 2

    so far so good
    \`\`\`

    </details>

    ## lint

    | where | severity | what | rule |
    |---|---|---|---|
    | src/a.py:3 | error | \\\`os\\\` unused | F401 |

    ## types

    \`\`\`text
    dns error
    \`\`\`
    "
  `)
})

test("what tests say stays text: no markup, no mention, no link, no end of its block", () => {
  const text = "```\n</details># x\x1b[31mred\x1b[0m\u202e"
  const made = run("3.13", {
    verdict: "failed",
    failures: [
      { id: "a|b", kind: "failed", message: "`x` <b> @all *[_ http://evil.example", text },
    ],
  })
  expect(markdown(resultOf([made]))).toMatchInlineSnapshot(`
    "# ❌ 1 of 3 tests failed

    |   | check | result | time |
    |---|---|---|---:|
    | ❌ | test 3.13 | 3 passed | 1.2 s |

    ## Failing tests

    | test | where | what |
    |---|---|---|
    | a\\|b |  | \\\`x\\\` &lt;b&gt; &#64;all \\*\\[\\_ http:&#47;/evil.example |

    <details><summary>a|b</summary>

    \`\`\`\`text
    \`\`\`
    </details># xred�
    \`\`\`\`

    </details>
    "
  `)
})

test("it stays short where much is red", () => {
  const ids = Array.from({ length: 200 }, (_, index) => `test_${index}`)
  const made = red("3.13", ...ids)
  for (const failure of made.failures) failure.text = "x".repeat(4000)
  const text = markdown(resultOf([made]))
  expect(text).toContain("150 more are in the reports.")
  expect(text.length).toBeLessThan(60_000)
})
