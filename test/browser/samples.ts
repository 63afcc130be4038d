import type { CheckResult } from "../../ci/src/pipeline/check.ts"
import { type Case, escaped, type Folder, failure } from "./folders.ts"

const check = (name: string, more: Partial<CheckResult> = {}): CheckResult => ({
  check: name,
  outcome: "passed",
  summary: `${name} found nothing`,
  seconds: 0.4,
  findings: [],
  ...more,
})

const traceback = `    def test_sum():
        prices = [1.1, 2.2, 3.3]
>       assert total(prices) == 6.5
E       assert 6.6 == 6.5
E        +  where 6.6 = total([1.1, 2.2, 3.3])

tests/test_basket.py:14: AssertionError`

const green: Case[] = Array.from({ length: 40 }, (_, index) => ({
  name: `test_${index}`,
  file: `tests/test_${index % 4}.py`,
  seconds: (index * 37) % 11 === 0 ? 0.3 : 0.004,
}))

const coverage = `<?xml version="1.0" ?>
<coverage line-rate="0.75" branch-rate="0.5"><sources><source>/app</source></sources><packages><package name="basket"><classes>
<class name="total.py" filename="src/basket/total.py"><lines>
${Array.from({ length: 20 }, (_, i) => `<line number="${i + 1}" hits="${i < 15 ? 1 : 0}"/>`).join("\n")}
</lines></class>
<class name="__init__.py" filename="src/basket/__init__.py"><lines><line number="1" hits="1"/></lines></class>
</classes></package></packages></coverage>`

/** A run in which everything is red that can be. */
export const RED: Folder = {
  junit: {
    "3.11": [
      ...green,
      {
        name: "test_sum",
        file: "tests/test_basket.py",
        seconds: 0.02,
        within: `${failure("assert 6.6 == 6.5", traceback)}<system-out>--------------------------------- Captured Log ---------------------------------
WARNING  basket:total.py:3 floats
--------------------------------- Captured Out ---------------------------------
adding up
</system-out><system-err>--------------------------------- Captured Err ---------------------------------
</system-err>`,
      },
      {
        name: "test_later",
        file: "tests/test_basket.py",
        within: '<skipped message="not today"/>',
      },
    ],
    "3.13": [...green, { name: "test_sum", file: "tests/test_basket.py" }],
  },
  checks: [
    check("lint", {
      outcome: "failed",
      summary: "2 problems in 1 file",
      findings: [
        {
          file: "src/basket/total.py",
          line: 3,
          rule: "F401",
          message: "`os` imported but unused",
          severity: "error",
        },
        {
          file: "src/basket/total.py",
          line: 9,
          rule: "E501",
          message: "line too long",
          severity: "warning",
        },
      ],
    }),
    check("types", {
      outcome: "errored",
      summary: "mypy could not be installed",
      detail: "dns error",
    }),
    check("format"),
    check("audit", { outcome: "skipped", summary: "not asked for" }),
  ],
  coverage: {
    percent: 76.19,
    shown: "76",
    statements: 21,
    missing: 5,
    needed: { percent: 90, from: "fail_under = 90 in pyproject.toml:12" },
    enough: false,
    worst: [],
  },
  files: { "coverage.xml": coverage },
}

export const GREEN: Folder = { junit: { "3.13": green }, checks: [check("lint")] }

const evil = [
  "</script><script>document.title='pwned'</script>",
  "<img src=x onerror=\"document.title='pwned'\">",
  "'\"><svg onload=document.title='pwned'>",
  "javascript:document.title='pwned'",
  "{{data}} {{script}}",
  "\u202egpj.exe \u2066hidden\u2069",
  "#x1B[31mred#x1B[0m #x07bell",
  "a".repeat(5000),
  "<!-- --> ]]> &amp; &#x3c;b&#x3e;",
]

/** Names, messages and outputs that mean harm, and an output of ten megabytes. */
export const HOSTILE: Folder = {
  junit: {
    "3.13": evil
      .map((text) => ({
        name: text,
        file: `tests/${text.slice(0, 60)}.py`,
        seconds: 0.01,
        within: `${failure(text, `${text}\n${text}`)}<system-out>${escaped(text)}</system-out>`,
      }))
      .concat({
        name: "test_loud",
        file: "tests/test_loud.py",
        seconds: 1,
        within: `${failure("loud", "E   loud")}<system-out>begin\n${"0123456789abcdef\n".repeat(620_000)}end</system-out>`,
      }),
  },
  checks: evil.map((text, index) =>
    check(`evil-${index}`, {
      outcome: "failed",
      summary: text,
      detail: text,
      findings: [{ file: text, line: 1, rule: text, message: text, severity: "error" }],
    }),
  ),
  context: {
    plan: {
      name: evil[0],
      python: "3.13",
      manager: "uv",
      runner: { kind: "pytest" },
      warnings: evil,
      decisions: evil.map((text) => ({
        about: "python",
        value: text,
        file: text,
        rule: text,
        rejected: [{ value: text, why: text }],
      })),
    },
  },
}

/** Ten thousand tests, every 500th of them red. */
export const LARGE: Folder = {
  junit: {
    "3.13": Array.from({ length: 10_000 }, (_, index) => ({
      name: `test_number_${index}[with some parameters of it]`,
      file: `tests/package_${index % 50}/test_module_${index % 200}.py`,
      seconds: (index % 97) / 1000,
      ...(index % 500 === 250 ? { within: failure("assert 1 == 2", "E   assert 1 == 2") } : {}),
    })),
  },
}
