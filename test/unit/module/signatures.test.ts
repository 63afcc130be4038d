import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import ts from "typescript"
import { beforeAll, describe, expect, test } from "vitest"
import { parse } from "../../../cli/args/parse.ts"
import type { Module } from "../../../cli/verbs/module.ts"

const root = fileURLToPath(new URL("../../../", import.meta.url))
const run = promisify(execFile)

const modules = {
  "a type of a third party": `${decorators()}
    @object() export class Pyline { @func() test(a: URL): string { return String(a) } }`,
  "a class without @object()": `${decorators()}
    export class Report {}
    @object() export class Pyline { @func() test(): Report { return new Report() } }`,
  "a constructor": `${decorators()}
    @object() export class Pyline {
      constructor(readonly source: string) {}
      @func() test(): string { return this.source }
    }`,
  "no class": "export const x = 1",
}

function decorators(): string {
  return ["object", "func"].map((name) => `declare const ${name}: () => any`).join("\n")
}

interface Answer {
  module?: Module
  error?: string
}
let answers: Record<string, Answer>

// Once for all: it is the compiler that takes the time.
beforeAll(async () => {
  // Below the checkout, as the SDK's types are looked up from there upwards.
  mkdirSync(join(root, "dist"), { recursive: true })
  const scratch = mkdtempSync(join(root, "dist/.module-"))
  try {
    const dirs = Object.entries(modules).map(([name, source]) => {
      const dir = join(scratch, name)
      mkdirSync(join(dir, "src"), { recursive: true })
      writeFileSync(join(dir, "src/index.ts"), source)
      return dir
    })
    const program = join(root, "cli/build/introspect.mjs")
    const args = [program, scratch, join(root, "ci"), ...dirs]
    const { stdout } = await run(process.execPath, args)
    const names = ["ci", ...Object.keys(modules)]
    answers = Object.fromEntries(
      (JSON.parse(stdout) as Answer[]).map((answer, i) => [names[i] as string, answer]),
    )
  } finally {
    rmSync(scratch, { recursive: true })
  }
}, 120_000)

const sources = readdirSync(join(root, "ci/src"), { recursive: true, encoding: "utf8" }).filter(
  (name) => /\.m?tsx?$|\.m?js$/.test(name),
)

describe("the module as Dagger loads it", () => {
  const loaded = (): Module => {
    const { module, error } = answers.ci ?? {}
    if (!module) throw new Error(error)
    return module
  }

  test("has the verbs, and each takes the project's directory or an image of it", () => {
    const module = loaded()
    expect(module.className).toBe("Pyline")
    expect(module.verbs.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["plan", "test", "reports"]),
    )
    for (const { name, args } of module.verbs) {
      if (args[0]?.name === "image") continue
      const source = args.find((arg) => arg.name === "source")
      expect.soft(source, name).toMatchObject({
        type: { kind: "object", name: "Directory" },
        defaultPath: "/",
        ignore: expect.arrayContaining([".git/*", "!.git/refs/tags", "**/.venv"]),
      })
    }
  })

  test("says of every verb and argument what it is", () => {
    for (const { name, description, args } of loaded().verbs) {
      expect.soft(description, name).not.toBe("")
      for (const arg of args) expect.soft(arg.description, `${name} --${arg.flag}`).not.toBe("")
    }
  })

  test("returns what a command line can show: an object would be printed as its id, and exit with 0", () => {
    const shown = ["Directory", "File", "Container", "Changeset"]
    for (const { name, returns } of loaded().verbs)
      if (returns.kind === "object") expect.soft(shown, name).toContain(returns.name)
  })

  test("has checks that need no argument, as `dagger check` gives none", () => {
    for (const { name, check, args } of loaded().verbs)
      if (check)
        expect
          .soft(
            args.filter(({ optional }) => !optional),
            name,
          )
          .toEqual([])
  })

  test("is what the command's help lists", () => {
    const module = loaded()
    const text = (...argv: string[]) => {
      const request = parse(argv, module, "0")
      return request.kind === "text" ? request.text : ""
    }
    const listed = [...(text("--help").split("Verbs")[1] ?? "").matchAll(/^ {2}([a-z-]+)/gm)]
    expect(listed.map(([, name]) => name)).toEqual([
      // What is of an environment is a part of the command of the same name.
      ...module.verbs.map(({ name }) => name).filter((name) => name !== "history"),
      "report",
      "history",
      "run",
      "engine",
      "setup",
      "init",
    ])
    for (const { name, args } of loaded().verbs) {
      const help = text(name, "--help")
      for (const { flag } of args) expect.soft(help, name).toContain(`--${flag}`)
    }
  })
})

test.each([
  ["a type of a third party", "could not resolve type reference for URL."],
  [
    "a class without @object()",
    /class Report in .* is used by the module but not exposed with a dagger decorator/,
  ],
  ["a constructor", /^class Pyline has a constructor$/],
  ["no class", /^no class Pyline with @object\(\)/],
])("what Dagger could not load, or only slowly, is refused: %s", (name, message) => {
  expect(answers[name]?.error).toMatch(message)
})

describe("the files of the module", () => {
  test("import nothing but the SDK, Node's own modules and each other", () => {
    const foreign = sources.flatMap((name) => {
      const text = readFileSync(join(root, "ci/src", name), "utf8")
      return ts
        .preProcessFile(text)
        .importedFiles.map(({ fileName }) => fileName)
        .filter((file) => !/^\.\.?\//.test(file) && file !== "@dagger.io/dagger")
        .filter((file) => !(file.startsWith("node:") && builtinModules.includes(file.slice(5))))
        .map((file) => `${name}: ${file}`)
    })
    expect(foreign).toEqual([])
  })

  test("have no tests among them: every file below src is imported at each call", () => {
    expect(sources.filter((name) => /\.(test|spec)\.|__tests__/.test(name))).toEqual([])
  })

  test("have the one package.json that Dagger does not have to install anything for", () => {
    expect(JSON.parse(readFileSync(join(root, "ci/package.json"), "utf8"))).toEqual({
      type: "module",
      dagger: { runtime: "bun" },
      dependencies: { typescript: "5.9.3" },
    })
    expect(JSON.parse(readFileSync(join(root, "dagger.json"), "utf8"))).toMatchObject({
      name: "pyline",
      engineVersion: "v0.21.8",
      source: "ci",
    })
  })
})
