import { expect, test } from "vitest"
import { parse } from "../../../../cli/args/parse.ts"
import { callerOf } from "../../../../cli/session/caller.ts"
import type { Arg, Module, Type } from "../../../../cli/verbs/module.ts"

const arg = (name: string, flag: string, type: Type): Arg => ({
  name,
  flag,
  description: "",
  type,
  optional: true,
  variadic: false,
})
const source = arg("source", "source", { kind: "object", name: "Directory" })
const python = arg("python", "python", { kind: "string" })
const netrc = arg("netrc", "netrc", { kind: "object", name: "Secret" })
const allow = arg("allowNoTests", "allow-no-tests", { kind: "boolean" })
const args = arg("args", "args", { kind: "list", of: { kind: "string" } })
const verb = (name: string, ...its: Arg[]) => ({
  name,
  method: name,
  description: "",
  check: false,
  generate: false,
  cache: "",
  args: its,
  returns: { kind: "string" } as Type,
})
const module: Module = {
  name: "pyline",
  className: "Pyline",
  description: "",
  verbs: [verb("test", source, python, netrc, allow, args), verb("lint", source)],
}

function caller(...argv: string[]) {
  const request = parse(argv, module, "1.2.3")
  if (request.kind !== "verb") throw new Error(request.kind)
  return callerOf(request, () => {})
}

test("the command line is the user's own, but for what differs", () => {
  const { commandLine } = caller(
    ..."test --source ../my app --netrc file:~/.netrc --allow-no-tests --python 3.11 -- -x".split(
      / (?!app)/,
    ),
  )
  expect(commandLine("test", { python: "3.13", args: ["tests/test_a.py::test_b[it's, ok]"] })).toBe(
    "pyline test --source '../my app' --python 3.13 --netrc 'file:~/.netrc' --allow-no-tests -- 'tests/test_a.py::test_b[it'\\''s, ok]'",
  )
  expect(commandLine("test", {})).toBe(
    "pyline test --source '../my app' --python 3.11 --netrc 'file:~/.netrc' --allow-no-tests -- -x",
  )
})

test("another verb gets the flags that it has", () => {
  const { commandLine } = caller("test", "--source", "x", "--python=3.11", "--engine", "dagger")
  expect(commandLine("lint", {})).toBe("pyline lint --source x --engine dagger")
})

test("without a flag that is to be left out", () => {
  const { commandLine } = caller("test", "--python", "3.11", "--no-allow-no-tests")
  expect(commandLine("test", { python: undefined })).toBe("pyline test --no-allow-no-tests")
})
