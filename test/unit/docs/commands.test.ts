import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { beforeAll, describe, expect, test } from "vitest"
import { parse } from "../../../cli/args/parse.ts"
import type { Module } from "../../../cli/verbs/module.ts"
import { commandsOf, commandsOfDocs, type Shown, wordsOf } from "../../docs/commands.ts"
import { RUN, RUN_ELSEWHERE } from "../../docs/run.ts"
import { stepsOf } from "../../docs/tutorial.ts"

const root = path.resolve(import.meta.dirname, "../../..")
const shown = commandsOfDocs()
let module: Module

beforeAll(() => {
  // Builds what the sources say where that is not done yet.
  execFileSync(path.join(root, "pyline"), ["--version"])
  module = JSON.parse(readFileSync(path.join(root, "dist/verbs.json"), "utf8"))
}, 120_000)

/** Files and scripts of this checkout that a page may name. */
const SCRIPTS: { [command: string]: string } = {
  "npm test": "test",
  "npm run format": "format",
  "npm run bench": "bench",
}

/**
 * How a command of a page is tested. `run` and `run by` are executed, the first as it stands there; `checked` is read by the real
 * parser; of `not ours` nothing is known but that somebody looked at it.
 *
 * @throws Error for what the real parser does not take
 */
function how({ command, page }: Shown): string {
  const verdict = check(command)
  if (command in RUN) return "run"
  if (page === "docs/tutorial.md") return "run by test/hosts/tutorial.hosts.test.ts"
  const elsewhere = RUN_ELSEWHERE.find((one) => one.command.test(command))
  return elsewhere ? `run by ${elsewhere.test}` : verdict
}

function check(command: string): "checked" | "not ours" {
  const words = wordsOf(command)
  const [program, ...rest] = words
  if (program === "pyline" || program === "./pyline") checkPyline(rest)
  else if (program === "dagger") checkDagger(rest)
  else if (command in SCRIPTS) {
    const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"))
    expect(scripts).toHaveProperty(SCRIPTS[command] as string)
  } else if (program === "node" || (program === "npx" && /^(?:vitest|tsx)$/.test(rest[0] ?? ""))) {
    const files = rest.filter((word) => word.includes("/"))
    for (const file of files) expect(existsSync(path.join(root, file)), file).toBe(true)
  } else return "not ours"
  return "checked"
}

/** The command's own parser reads it, and nothing that is required is left out. */
function checkPyline(words: string[]): void {
  const request = parse(words, module, "0")
  if (request.kind !== "verb") return
  const missing = request.verb.args.filter(
    ({ name, optional, defaultPath, default: value }) =>
      !optional && defaultPath === undefined && value === undefined && !request.given.has(name),
  )
  expect(missing.map(({ flag }) => flag)).toEqual([])
}

/** Flags of `dagger call` are those of the verb, up to the first function that is called on what it gives. */
function checkDagger(words: string[]): void {
  const at = words.findIndex((word) => word === "call" || word === "check")
  expect(at, "dagger call or dagger check").toBeGreaterThanOrEqual(0)
  if (words[at] === "check") return
  const verb = module.verbs.find(({ name }) => name === words[at + 1])
  expect(verb, `the verb ${words[at + 1]}`).toBeDefined()
  const rest = words.slice(at + 2)
  for (let i = 0; i < rest.length; i++) {
    const [, flag, , value] = /^--([a-z-]+)(=(.*))?$/s.exec(rest[i] as string) ?? []
    if (flag === undefined) return
    const arg = verb?.args.find((one) => one.flag === flag)
    expect(arg, `the flag --${flag}`).toBeDefined()
    if (value === undefined && arg?.type.kind !== "boolean") i++
  }
}

test("every command of the README and of the pages is one that there is", () => {
  const wrong: string[] = []
  const counts: { [kind: string]: number } = {}
  for (const one of shown) {
    try {
      const [kind = ""] = how(one).split(" by ")
      counts[kind] = (counts[kind] ?? 0) + 1
    } catch (error) {
      wrong.push(
        `${one.page}:${one.line}: ${one.command}\n  ${(error as Error).message.split("\n")[0]}`,
      )
    }
  }
  expect(wrong).toEqual([])
  console.log(`commands of the pages: ${JSON.stringify(counts)}`)
})

test("every command that is said to be run is on a page, and the other tests are there", () => {
  const commands = new Set(shown.map(({ command }) => command))
  expect(Object.keys(RUN).filter((command) => !commands.has(command))).toEqual([])
  for (const { command, test, there } of RUN_ELSEWHERE) {
    expect(readFileSync(path.join(root, test), "utf8"), `${test} of ${command}`).toContain(there)
    expect(
      shown.some((one) => command.test(one.command)),
      String(command),
    ).toBe(true)
  }
})

const written = path.join(root, "test/unit/cli/init/files")

/** Command lines of the files that `pyline init` writes. */
function commandsOfHosts(file: string): string[][] {
  const text = readFileSync(file, "utf8")
  const lines = [...text.matchAll(/pyline\/pyline" (.*?)'?$/gm)].map(([, line = ""]) =>
    wordsOf(line),
  )
  // GitHub's action puts its inputs together.
  const inputs = [...text.matchAll(/^ +verb: (\w+)\n(?: +args: \|\n((?: +--.*\n)+))?/gm)]
  return [
    ...lines,
    ...inputs.map(([, verb = "", args = ""]) =>
      [verb, ...args.trim().split(/\n */)].filter(Boolean),
    ),
  ]
}

test.each(
  readdirSync(written, { recursive: true, encoding: "utf8" }).filter((name) => /\w\/\w/.test(name)),
)("every command of a CI host's %s is one that there is", (name) => {
  const commands = commandsOfHosts(path.join(written, name))
  expect(commands.length).toBeGreaterThan(0)
  const [purpose = ""] = name.split("/")
  expect(commands.map(([verb]) => verb)).toContain(purpose === "check" ? "ci" : purpose)
  for (const words of commands) expect(() => checkPyline(words), words.join(" ")).not.toThrow()
})

describe("what is a command", () => {
  test.each([
    ["    pyline test    # all", ["pyline test"]],
    ["    pyline ci \\\n        --source .", ["pyline ci --source ."]],
    ["    error[X]: pyline test", []],
    ["in prose: pyline test", []],
    ["```sh\nwhatever -x\n```", ["whatever -x"]],
    ["```console\n$ pyline ci\npyline is what it says\n```", ["pyline ci"]],
    ["```toml\npyline = 1\n```", []],
    ["    - run: ./pyline ci", ["./pyline ci"]],
    [
      "```sh\ncat > a <<'END'\npyline nonsense\nEND\ngit add a\n```",
      ["cat > a <<'END'", "git add a"],
    ],
  ])("%j", (text, commands) => {
    expect(commandsOf("page", text).map(({ command }) => command)).toEqual(commands)
  })

  test("and what a page says to do, step by step", () => {
    const page =
      "In `a/b.py`, which is new:\n\n```python\nx = 1\n```\n\n```sh\nls # all\nfalse # exits with 1\n```\n"
    expect(stepsOf(page)).toEqual([
      { file: "a/b.py", text: "x = 1\n" },
      { command: "ls", exits: 0, line: 8 },
      { command: "false", exits: 1, line: 9 },
    ])
  })

  test("and its words", () => {
    expect(wordsOf(`pyline x --a "b c" --d='e f' $(g h) "$(i j)" k\\ l`)).toEqual([
      ...["pyline", "x", "--a", "b c", "--d=e f", "$(g h)", "$(i j)", "k\\ l"],
    ])
  })
})
