import { describe, expect, test } from "vitest"
import { parse } from "../../../../cli/args/parse.ts"
import type { Module, Type } from "../../../../cli/verbs/module.ts"

const string: Type = { kind: "string" }
const directory: Type = { kind: "object", name: "Directory" }
const arg = (name: string, flag: string, type: Type, more = {}) => ({
  name,
  flag,
  description: `about ${flag}`,
  type,
  optional: true,
  variadic: false,
  ...more,
})
const verb = (name: string, returns: Type, args: ReturnType<typeof arg>[]) => ({
  name,
  method: name,
  description: `Do ${name}. And more.`,
  check: false,
  generate: false,
  cache: "",
  args,
  returns,
})
const source = arg("source", "source", directory, { defaultPath: "/", ignore: [".git"] })
const module: Module = {
  name: "pyline",
  className: "Pyline",
  description: "Continuous integration. More words.",
  verbs: [
    verb("test", string, [
      source,
      arg("python", "python", string, { default: "3.13" }),
      arg("args", "args", { kind: "list", of: string }, { default: [] }),
      arg("allowNoTests", "allow-no-tests", { kind: "boolean" }, { default: false }),
      arg("fast", "fast", { kind: "boolean" }, { default: true }),
    ]),
    verb("reports", directory, [source]),
    verb("publish", string, [
      source,
      arg("token", "token", { kind: "object", name: "Secret" }, { optional: false }),
    ]),
    verb("promote", string, [
      source,
      arg("from", "from", string, { optional: false }),
      arg("to", "to", string, { optional: false }),
      arg("token", "token", { kind: "object", name: "Secret" }, { optional: false }),
    ]),
    verb("status", string, [source, arg("environment", "environment", string)]),
    verb("history", string, [
      source,
      arg("environment", "environment", string, { optional: false }),
      arg("most", "most", { kind: "integer" }, { default: 20 }),
      arg("format", "format", string, { default: "text" }),
      arg("username", "username", string),
    ]),
  ],
}

const read = (...argv: string[]) => parse(argv, module, "1.2.3")
const given = (...argv: string[]) => {
  const request = read(...argv)
  if (request.kind !== "verb") throw new Error(request.kind)
  return Object.fromEntries(request.given)
}
const refusal = (...argv: string[]) => {
  try {
    read(...argv)
  } catch (error) {
    const { name, message, fix } = error as Error & { fix?: string }
    return `${name}: ${message}\nfix: ${fix}`
  }
  throw new Error("was accepted")
}

describe("verbs", () => {
  test("flags are those of the module, in kebab-case", () => {
    expect(given("test", "--source", "app", "--python=3.12", "--allow-no-tests")).toEqual({
      source: ["app"],
      python: ["3.12"],
      allowNoTests: ["true"],
    })
  })

  test("a flag that is not there is not given: the function's default holds", () => {
    expect(given("test")).toEqual({})
  })

  test("lists may be repeated, and a value may look like a flag", () => {
    expect(given("test", "--args=-k,--args=x", "--args", "-x")).toEqual({
      args: ["-k,--args=x", "-x"],
    })
  })

  test("words behind two dashes are list values as they are", () => {
    expect(given("test", "--args=-q", "--", "-k", "a, b", 'say "x"', "")).toEqual({
      args: ["-q", "-k", '"a, b"', '"say ""x"""', '""'],
    })
  })

  test("booleans take their value behind an equals sign", () => {
    expect(given("test", "--allow-no-tests=false", "--fast=false")).toEqual({
      allowNoTests: ["false"],
      fast: ["false"],
    })
    expect(given("test", "--allow-no-tests=true", "--fast=1")).toEqual({
      allowNoTests: ["true"],
      fast: ["true"],
    })
  })

  test("general flags stand before or behind the verb", () => {
    const options = { engine: "embedded", progress: "plain", trace: true }
    expect(read("--engine=embedded", "test", "--progress", "plain", "--trace")).toMatchObject({
      options,
    })
  })

  test("a directory can be written with -o, or as behind `dagger call`", () => {
    expect(read("reports", "-o", "out")).toMatchObject({ output: "out" })
    expect(read("reports", "export", "--path=out")).toMatchObject({ output: "out" })
    expect(read("reports", "export", "--path", "out")).toMatchObject({ output: "out" })
  })
})

test("what has to be given may be given by its place, but for secrets", () => {
  const both = { from: ["staging"], to: ["production"] }
  expect(given("promote", "staging", "production")).toEqual(both)
  expect(given("promote", "--to", "production", "--from=staging")).toEqual(both)
  expect(given("promote", "staging", "--to=production", "--source", "app")).toEqual({
    ...both,
    source: ["app"],
  })
  expect(given("status")).toEqual({})
  expect(given("status", "staging")).toEqual({ environment: ["staging"] })
  expect(refusal("status", "staging", "--environment=other")).toMatchInlineSnapshot(`
    "UsageError: status: unexpected \`staging\`
    fix: --environment is given already"
  `)
  expect(refusal("status", "staging", "production")).toMatchInlineSnapshot(`
    "UsageError: too many arguments for 'status'. Expected 1 argument but got 2.
    fix: pyline status --help"
  `)
})

test("history is of the runs on this machine, and with an environment of its deployments", () => {
  expect(read("history", "--most", "5", "--json")).toMatchObject({
    kind: "history",
    most: 5,
    json: true,
  })
  expect(given("history", "staging", "--most=5", "--json", "--username", "ada")).toEqual({
    environment: ["staging"],
    source: ["."],
    most: ["5"],
    format: ["json"],
    username: ["ada"],
  })
  expect(given("history", "--environment=staging")).toMatchObject({ environment: ["staging"] })
})

test("run takes everything behind the program as the program's", () => {
  const command = ["python", "-m", "pytest", "--debug", "--", "x"]
  expect(read("run", "--", ...command)).toMatchObject({ kind: "run", command })
  expect(read("run", "--progress", "plain", ...command)).toMatchObject({
    kind: "run",
    command,
    options: { progress: "plain", trace: false },
  })
})

test("engine and setup", () => {
  expect(read("engine", "status")).toMatchObject({ kind: "engine", action: "status" })
  expect(read("engine", "logs", "-f")).toMatchObject({ action: "logs", follow: true })
  expect(read("engine", "prune", "--all")).toMatchObject({ action: "prune", all: true })
  expect(read("setup", "--force")).toMatchObject({ kind: "setup", force: true })
})

test("what is not there is refused with what may have been meant", () => {
  expect(refusal("tset")).toMatchInlineSnapshot(`
    "UsageError: unknown command 'tset'
    fix: did you mean test? (pyline --help lists all)"
  `)
  expect(refusal("test", "--sorce=x")).toMatchInlineSnapshot(`
    "UsageError: unknown option '--sorce=x'
    fix: did you mean --source? (pyline test --help lists all)"
  `)
  expect(refusal("test", "unit")).toMatchInlineSnapshot(`
    "UsageError: test: unexpected \`unit\`
    fix: arguments for the tool go behind two dashes: pyline test -- unit"
  `)
  expect(refusal("test", "unit", "--", "-x")).toMatchInlineSnapshot(`
    "UsageError: test: unexpected \`unit\`
    fix: arguments for the tool go behind two dashes: pyline test -- unit -x"
  `)
  expect(refusal("test", "--fast=maybe")).toMatchInlineSnapshot(`
    "UsageError: --fast=maybe: expected true or false
    fix: undefined"
  `)
  expect(refusal("test", "--python")).toMatchInlineSnapshot(`
    "UsageError: option '--python <text>' argument missing
    fix: pyline test --help"
  `)
  expect(refusal("engine", "stauts")).toMatchInlineSnapshot(`
    "UsageError: unknown command 'stauts'
    fix: did you mean status? (pyline engine --help lists all)"
  `)
  expect(refusal("run")).toMatchInlineSnapshot(`
    "UsageError: missing required argument 'command'
    fix: pyline run --help"
  `)
  expect(refusal("--engine=docker", "test")).toMatchInlineSnapshot(`
    "UsageError: option '--engine <auto|dagger|embedded>' argument 'docker' is invalid. Allowed choices are auto, dagger, embedded.
    fix: pyline --help"
  `)
})

describe("help", () => {
  const text = (...argv: string[]) => {
    const request = read(...argv)
    return request.kind === "text" ? request.text : request.kind
  }

  test("of the command lists verbs by their first sentence", () => {
    expect(text("--help")).toMatchInlineSnapshot(`
      "Usage: pyline <verb> [flags]

      Continuous integration.

      Options:
        -V, --version                      print the version
        --engine <auto|dagger|embedded>    which engine does the work
        --progress <auto|tty|plain|quiet>  how progress is shown, on standard error
        --trace                            show where errors come from
        -h, --help                         print help for pyline or a verb

      Verbs
        test [options] [arg...]            Do test.
        reports [options]                  Do reports.
        publish [options]                  Do publish.
        promote [options] [from] [to]      Do promote.
        status [options] [environment]     Do status.

      Runs
        report [options]                   show the page of the last run of a project
        history [options] [environment]    compare the runs of a project: verdicts, flaky tests, tests
                                           that became slower; of an environment: its deployments

      Engine
        run <command...>                   run a program with a session of the engine
        engine                             look at, stop or clean up the embedded engine
        setup [options]                    get everything ready that runs need, base images too

      CI hosts
        init [options] <host>              write the file with which a CI host runs the pipeline

      Each verb has its own help: pyline <verb> --help
      "
    `)
    expect(text()).toBe(text("--help"))
  })

  test("of a verb lists its flags with their defaults", () => {
    expect(text("test", "--help")).toMatchInlineSnapshot(`
      "Usage: pyline test [flags] [-- <arg>…]

      Do test. And more.

      Arguments:
        arg                                the same as --args, one by one

      Options:
        --source <path>                    about source (default: .)
        --python <text>                    about python (default: 3.13)
        --args <text,…>                    about args
        --allow-no-tests                   about allow-no-tests
        --fast                             about fast (default: true)
        --no-fast
        -h, --help                         print this help

      Global Options:
        -V, --version                      print the version
        --engine <auto|dagger|embedded>    which engine does the work
        --progress <auto|tty|plain|quiet>  how progress is shown, on standard error
        --trace                            show where errors come from
      "
    `)
    expect(text("publish", "--help")).toContain(
      "--token <env:NAME|file:PATH>       about token (required)",
    )
  })

  test("the version", () => {
    expect(text("--version")).toBe("1.2.3\n")
  })
})
