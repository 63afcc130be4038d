import { spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { type CheckResult, parseCheckResult } from "../../../ci/src/pipeline/check.ts"
import { probeDirectory } from "./fixtures.ts"

const made: string[] = []
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

function folder(files: Record<string, string> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), "pyline-tools-"))
  made.push(directory)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  return directory
}

/** A program in a tool's place: prints what the tool was seen to print, and ends as it did. */
interface Recorded {
  stdout?: string
  stderr?: string
  status?: number
  /** Shell lines before that. */
  does?: string
}

function stand(name: string, { stdout = "", stderr = "", status = 0, does = "" }: Recorded) {
  const program = join(folder({ "out.txt": stdout, "err.txt": stderr }), name)
  const lines = ["#!/bin/sh", 'here=$(dirname "$0")', does]
  writeFileSync(
    program,
    `${lines.join("\n")}\ncat "$here/out.txt"\ncat "$here/err.txt" >&2\nexit ${status}\n`,
  )
  chmodSync(program, 0o755)
  return { name, program, args: ["."], python: "/opt/venv/bin/python", command: `uvx ${name}` }
}

function run(program: string, args: string[], cwd: string, reports = folder()) {
  const argv = ["-IS", "-B", join(probeDirectory, "checks", program), "--reports", reports, ...args]
  const done = spawnSync("python3", argv, { encoding: "utf8", cwd })
  const file = (name: string) => join(reports, name)
  const read = (name: string) =>
    existsSync(file(name)) ? readFileSync(file(name), "utf8") : undefined
  return { ...done, read }
}

function check(kind: "lint" | "types", tools: object[], files: Record<string, string> = {}) {
  const list = join(folder({ "tools.json": JSON.stringify(tools) }), "tools.json")
  const done = run("run_tools.py", ["--check", kind, "--tools", list], folder(files))
  const result = parseCheckResult(done.read(`check-${kind}.json`) ?? "", kind)
  const { outcome, summary, cause, findings, detail } = result
  return { ...done, result, verdict: [done.status, outcome, summary, cause], findings, detail }
}

const brief = ({ findings }: { findings: CheckResult["findings"] }) =>
  findings.map(({ file, line, column, rule, severity }) =>
    [file, line, column, rule, severity].join(" "),
  )

const RUFF = JSON.stringify([
  {
    code: "F821",
    filename: "a.py",
    location: { row: 3, column: 14 },
    message: "Undefined name `x`",
    severity: "error",
  },
  // As versions before the severities had it, and for a file that is no Python.
  { code: null, filename: "b.py", location: { row: 1, column: 7 }, message: "SyntaxError: nope" },
])

describe("ruff", () => {
  test("red and green are what it says", () => {
    const red = check("lint", [stand("ruff", { stdout: RUFF, status: 1 })])
    expect(red.verdict).toEqual([0, "failed", "ruff found 2 errors", undefined])
    expect(brief(red)).toEqual(["a.py 3 14 F821 error", "b.py 1 7 syntax-error error"])
    expect(red.result.reproduce).toBe("uvx ruff")
    expect(red.read("lint.sarif")).toContain('"ruleId": "F821"')
    const green = check("lint", [stand("ruff", { stdout: "[]" })])
    expect(green.verdict).toEqual([0, "passed", "ruff found nothing wrong", undefined])
    expect(green.read("lint.sarif")).toBeUndefined()
  })

  test("a configuration that it cannot read is errored, and the project's affair", () => {
    const stderr = "ruff failed\n  Cause: Failed to parse pyproject.toml\n"
    const { verdict, detail, stdout } = check("lint", [stand("ruff", { stderr, status: 2 })])
    expect(verdict).toEqual([75, "errored", "ruff stopped with exit status 2", "project"])
    expect(detail).toBe("ruff failed\nCause: Failed to parse pyproject.toml")
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^pyline-check: \{.*"errored"/)
  })

  test.each([
    ["it is not there", undefined, /cannot be started/],
    ["it is killed", { does: "kill -9 $$" }, /was killed, probably out of memory/],
    ["it crashes", { does: "kill -11 $$" }, /crashed \(SIGSEGV\)/],
    ["it panics", { status: 101 }, /exit status 101/],
    ["it prints something else", { stdout: "hello\n[]" }, /printed no report/],
    ["it prints another thing", { stdout: '{"a": 1}' }, /printed no report/],
    ["it ends in the middle", { stdout: RUFF.slice(0, 90) }, /printed no report/],
    ["it prints without end", { does: "head -c 68000000 /dev/zero" }, /more than 64 MB/],
  ])("never passes where %s", (_, recorded, words) => {
    const nothing = { name: "ruff", program: "/nowhere/ruff", args: [] }
    const { verdict } = check("lint", [recorded === undefined ? nothing : stand("ruff", recorded)])
    expect(verdict.slice(0, 2)).toEqual([75, "errored"])
    expect(verdict[2]).toMatch(words)
  })

  test("one red tool is red, also where another could not look", () => {
    const { verdict } = check("lint", [
      stand("ruff", { stdout: RUFF, status: 1 }),
      { name: "pylint", program: "/nowhere/pylint", args: [] },
    ])
    expect(verdict).toEqual([
      0,
      "failed",
      "ruff found 2 errors; pylint cannot be started: No such file or directory",
      undefined,
    ])
  })

  test("findings are text, whatever they say", () => {
    const message = "\u001b[31mred\u001b[0m\u0007\r\n::error::x\u0000"
    const item = { code: "X".repeat(500), filename: "../../etc/passwd", message, location: null }
    const { findings } = check("lint", [
      stand("ruff", { stdout: JSON.stringify([item, 3]), status: 1 }),
    ])
    expect(findings).toEqual([
      {
        file: "../../etc/passwd",
        message: "red  \n::error::x",
        rule: expect.stringMatching(/^X{99}…$/),
        severity: "error",
        tool: "ruff",
      },
    ])
  })

  test("no tools are nothing to check", () => {
    expect(check("lint", []).verdict).toEqual([
      0,
      "skipped",
      "the settings name no linter",
      undefined,
    ])
    expect(check("types", []).verdict[2]).toBe("no type checker is configured")
  })
})

describe("flake8", () => {
  // What it is told about its report is among its arguments.
  const writes = (text: string) => `printf '${text}' > "$4"`
  const two = writes(
    "./a.py\\t1\\t10\\tE401\\tmultiple imports\\nb:c.py\\t2\\t1\\tF821\\tundefined\\n",
  )

  test("its report is read from a file", () => {
    const red = check("lint", [stand("flake8", { does: two, status: 1, stdout: "2\n" })])
    expect(red.verdict).toEqual([0, "failed", "flake8 found 2 errors", undefined])
    expect(brief(red)).toEqual(["a.py 1 10 E401 error", "b:c.py 2 1 F821 error"])
    expect(check("lint", [stand("flake8", {})]).verdict[1]).toBe("passed")
  })

  test("a plugin that fails ends it in the middle", () => {
    const stderr = 'Traceback (most recent call last):\n  File "x.py"\nKeyError: 3\n'
    const { verdict } = check("lint", [stand("flake8", { does: two, status: 1, stderr })])
    expect(verdict).toEqual([75, "errored", "flake8 stopped with exit status 1", "project"])
    expect(check("lint", [stand("flake8", { status: 1 })]).verdict[1]).toBe("errored")
  })
})

describe("pylint", () => {
  const item = {
    type: "convention",
    path: "a.py",
    line: 1,
    column: 0,
    "message-id": "C0114",
    message: "x",
  }
  const stdout = JSON.stringify([item])

  test("its exit status decides", () => {
    const files = { "a.py": "" }
    const red = check("lint", [stand("pylint", { stdout, status: 16 })], files)
    expect(brief(red)).toEqual(["a.py 1 1 C0114 error"])
    const forgiven = check("lint", [stand("pylint", { stdout })], files)
    expect(forgiven.verdict.slice(1, 3)).toEqual(["passed", "pylint found 1 warning"])
    for (const status of [1, 3, 32]) {
      expect(check("lint", [stand("pylint", { stdout, status })]).verdict[1], `${status}`).toBe(
        "errored",
      )
    }
  })
})

describe("mypy", () => {
  const version = (text: string) =>
    `if [ "$1" = --version ]; then echo "mypy ${text} (compiled: yes)"; exit 0; fi`
  const line = (code: string, severity: string, column = 9) =>
    `${JSON.stringify({ file: "b.py", line: 1, column, message: "m", hint: null, code, severity })}\n`
  const mypy = (recorded: Recorded, number = "1.15.0") =>
    check("types", [stand("mypy", { ...recorded, does: version(number) })])

  test("columns count from 1, whatever it counts from", () => {
    const red = mypy({ stdout: `${line("assignment", "error")}${line("misc", "note")}`, status: 1 })
    expect(red.verdict).toEqual([0, "failed", "mypy found 1 error", undefined])
    expect(brief(red)).toEqual(["b.py 1 10 assignment error", "b.py 1 10 misc note"])
    const syntax = mypy({ stdout: line("syntax", "error", 7), status: 2 })
    expect(syntax.verdict.slice(0, 2)).toEqual([0, "failed"])
    expect(brief(syntax)).toEqual(["b.py 1 7 syntax error"])
  })

  test("before 1.11 its lines are read", () => {
    const stdout =
      'src/a.py:3:5: error: Name "x" is not defined  [name-defined]\nsrc/a.py:3: note: See https://x\nFound 1 error\n'
    const red = mypy({ stdout, status: 1 }, "1.9.0")
    expect(brief(red)).toEqual(["src/a.py 3 5 name-defined error", "src/a.py 3   note"])
    expect(red.findings[0]?.message).toBe('Name "x" is not defined')
  })

  test("a plugin that is not there is no finding", () => {
    const { verdict, findings } = mypy({ stdout: line("misc", "error"), status: 2 })
    expect(verdict).toEqual([75, "errored", "mypy stopped with exit status 2", "project"])
    expect(findings).toEqual([])
  })

  test.each([
    ["red without an error", { status: 1, stdout: "Found 1 error\n" }],
    ["green with an error", { status: 0, stdout: line("x", "error") }],
    ["a crash", { status: 2, stderr: "INTERNAL ERROR" }],
  ])("%s is errored", (_, recorded) => {
    expect(mypy(recorded).verdict[1]).toBe("errored")
  })

  test("green", () => {
    expect(mypy({ stdout: "Success: no issues found\n" }).verdict[2]).toBe(
      "mypy found nothing wrong",
    )
  })
})

describe("pyright", () => {
  const report = (filesAnalyzed: number, generalDiagnostics: object[]) =>
    `noise\n${JSON.stringify({ version: "1", generalDiagnostics, summary: { filesAnalyzed } })}`
  const item = (severity: string, rule?: string) => ({
    file: "/elsewhere/a.py",
    severity,
    message: "m",
    range: { start: { line: 2, character: 13 } },
    ...(rule === undefined ? {} : { rule }),
  })
  const pyright = (recorded: Recorded) => check("types", [stand("pyright", recorded)])

  test("lines and columns count from 1", () => {
    const stdout = report(1, [item("error", "reportX"), item("information")])
    const red = pyright({ stdout, status: 1 })
    expect(red.verdict).toEqual([0, "failed", "pyright found 1 error", undefined])
    expect(brief(red)).toEqual(["/elsewhere/a.py 3 14 reportX error", "/elsewhere/a.py 3 14  note"])
    const warned = pyright({ stdout: report(1, [item("warning")]) })
    expect(warned.verdict.slice(1, 3)).toEqual(["passed", "pyright found 1 warning"])
  })

  test.each([
    ["looking at nothing", { stdout: report(0, []) }, "pyright looked at no file"],
    ["a configuration that cannot be read", { stdout: report(1, []), status: 3 }, /exit status 3/],
    ["no report", { stdout: "Error: no node" }, "pyright printed no report"],
  ])("%s is errored", (_, recorded, words) => {
    const { verdict } = pyright(recorded)
    expect(verdict[1]).toBe("errored")
    expect(verdict[2]).toMatch(words)
  })
})

test("ty: severities of GitLab are its own", () => {
  const item = (severity: string) => ({
    check_name: "invalid-assignment",
    description: "invalid-assignment: Object of type `str` is not assignable to `int`",
    severity,
    location: { path: "b.py", positions: { begin: { line: 1, column: 10 } } },
  })
  const stdout = JSON.stringify([item("major"), item("minor"), item("info")])
  const red = check("types", [stand("ty", { stdout, status: 1 })])
  expect(red.verdict[2]).toBe("ty found 1 error, 1 warning")
  expect(brief(red)).toEqual([
    "b.py 1 10 invalid-assignment error",
    "b.py 1 10 invalid-assignment warning",
    "b.py 1 10 invalid-assignment note",
  ])
  expect(red.findings[0]?.message).toBe("Object of type `str` is not assignable to `int`")
  expect(check("types", [stand("ty", { status: 2 })]).verdict[1]).toBe("errored")
})

describe("pre-commit", () => {
  const stdout = `no TODO..................................................................Failed
- hook id: no-todo
- exit code: 1

  a.py:2:# TODO
fine.....................................................................Passed
fixer....................................................................Failed
- hook id: fixer
- duration: 0.1s
- files were modified by this hook
`
  const hooks = (recorded: Recorded) =>
    check("lint", [{ ...stand("prek", recorded), name: "pre-commit" }], { "a.py": "# TODO\n" })

  test("each red hook is a finding, with the place where it names one", () => {
    const red = hooks({ stdout, status: 1 })
    expect(red.verdict).toEqual([0, "failed", "pre-commit found 2 errors", undefined])
    expect(
      red.findings.map(({ file, line, rule, message }) => [file, line, rule, message]),
    ).toEqual([
      [undefined, undefined, "fixer", "files were modified by this hook"],
      ["a.py", 2, "no-todo", "# TODO"],
    ])
  })

  test("hooks see a repository with everything in it, committed", () => {
    const does = "git ls-files; git status --short; git rev-parse --abbrev-ref HEAD"
    expect(hooks({ does }).stdout).toContain("a.py\npyline-check\n")
  })

  test.each([
    [
      "the machine's",
      "caused by: Failed to clone repo\nCould not resolve host: github.com",
      "machine",
    ],
    ["the project's", "error: Failed to parse `.pre-commit-config.yaml`", "project"],
  ])("hooks that cannot be run are errored: %s affair", (_, stderr, cause) => {
    const { verdict } = hooks({ stderr, status: 2 })
    expect(verdict).toEqual([75, "errored", "pre-commit: its hooks could not be run", cause])
  })

  test("red without a red hook is errored", () => {
    expect(hooks({ stdout: "nothing\n", status: 1 }).verdict[1]).toBe("errored")
  })
})

describe("format", () => {
  const FILES = { "a.py": "x = 1\ny=2\n", "b.py": "z = 3\n", "src/c.py": "1\n2\n3" }

  function format(tools: object[]) {
    const list = join(folder({ "tools.json": JSON.stringify(tools) }), "tools.json")
    const after = folder(FILES)
    const args = ["--tools", list, "--before", folder(FILES)]
    const done = run("run_format.py", args, after)
    const result = parseCheckResult(done.read("check-format.json") ?? "", "format")
    return { ...done, result, after }
  }

  test("what was changed, by whom, and where first", () => {
    const { result, status, after } = format([
      stand("isort", { does: "sleep 0.05; sed -i s/y=2/y=22/ a.py; touch b.py" }),
      stand("black", { does: "sleep 0.05; sed -i s/y=/y\\ =\\ / a.py; printf 4 >> src/c.py" }),
    ])
    expect([status, result.outcome, result.summary]).toEqual([
      0,
      "failed",
      "isort, black would change 2 files",
    ])
    expect(result.findings.map(({ file, line, message }) => [file, line, message])).toEqual([
      ["a.py", 2, "would be changed by isort and black"],
      ["src/c.py", 3, "would be changed by black"],
    ])
    expect(result.reproduce).toBe("uvx isort && uvx black")
    expect(readFileSync(join(after, "a.py"), "utf8")).toBe("x = 1\ny = 22\n")
  })

  test("nothing changed, and nothing configured", () => {
    expect(format([stand("black", { does: "touch a.py" })]).result).toMatchObject({
      outcome: "passed",
      summary: "black would change nothing",
    })
    expect(format([]).result).toMatchObject({
      outcome: "skipped",
      summary: "no formatter is configured",
    })
  })

  test.each([
    ["a status", { status: 123, stderr: "error: cannot format a.py: Cannot parse: 1:0" }],
    ["words alone", { stderr: "ERROR: a.py Imports are incorrectly formatted" }],
  ])("a file that cannot be formatted is errored: %s", (_, recorded) => {
    const { result, status } = format([stand("black", recorded)])
    expect([status, result.outcome, result.cause]).toEqual([75, "errored", "project"])
    expect(result.detail).toBe(recorded.stderr)
  })
})

describe("lock", () => {
  function lock(value: unknown, uv?: Recorded) {
    const list = join(folder({ "lock.json": JSON.stringify(value) }), "lock.json")
    const path = uv === undefined ? "" : `${dirname(stand("uv", uv).program)}:`
    const reports = folder()
    const argv = [
      "-B",
      join(probeDirectory, "checks/run_lock.py"),
      "--reports",
      reports,
      "--lock",
      list,
    ]
    const env = { ...process.env, PATH: `${path}${process.env.PATH}` }
    const { status } = spawnSync("python3", argv, { encoding: "utf8", cwd: folder(), env })
    const text = readFileSync(join(reports, "check-lock.json"), "utf8")
    const { outcome, summary, cause, findings } = parseCheckResult(text, "lock")
    return { verdict: [status, outcome, summary, cause], findings }
  }

  test("without a lock there is nothing to compare", () => {
    expect(lock(null).verdict.slice(0, 2)).toEqual([0, "skipped"])
  })

  test("what the facts compared", () => {
    const same = {
      kind: "same",
      file: "poetry.lock",
      manifest: "pyproject.toml",
      how: "by its hash",
    }
    expect(lock(same).verdict[2]).toBe("poetry.lock matches pyproject.toml (by its hash)")
    const unmet = [{ line: 2, message: "it has no colorama" }]
    const lists = [
      { file: "a.txt", from: "a.in", unmet },
      { file: "b.txt", from: "b.in", unmet: [] },
    ]
    const behind = lock({ kind: "compiled", lists })
    expect(behind.verdict.slice(0, 3)).toEqual([
      0,
      "failed",
      "a.txt is behind the list that it was compiled from",
    ])
    expect(behind.findings).toMatchObject([
      { file: "a.in", line: 2, message: "a.txt does not match: it has no colorama" },
    ])
    const fine = lock({ kind: "compiled", lists: lists.slice(1) })
    expect(fine.verdict.slice(1, 3)).toEqual(["passed", "b.txt has all that is asked for"])
  })

  test.each([
    [{}, [0, "passed", "uv.lock matches pyproject.toml", undefined]],
    [
      {
        status: 1,
        stderr:
          "error: The lockfile at `uv.lock` needs to be updated, but `--check` was provided. To update the lockfile, run `uv lock`.",
      },
      [0, "failed", "uv.lock does not match pyproject.toml", undefined],
    ],
    [
      {
        status: 2,
        stderr: "error: Failed to fetch: `https://example.com/x`\n  Caused by: dns error",
      },
      [75, "errored", "uv could not reach a package index", "machine"],
    ],
    [
      { status: 1, stderr: "  × No solution found when resolving dependencies" },
      [0, "failed", "no lock can match pyproject.toml", undefined],
    ],
    [
      { status: 2, stderr: "error: Failed to parse `uv.lock`" },
      [75, "errored", "uv stopped with exit status 2", "project"],
    ],
  ])("uv is asked: %o", (recorded, verdict) => {
    expect(lock({ kind: "uv" }, recorded).verdict).toEqual(verdict)
  })
})
