import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { parseCsv } from "../../../../cli/args/csv.ts"
import { parseSecret } from "../../../../cli/args/secret.ts"
import { toValue } from "../../../../cli/args/value.ts"
import type { Arg, Type } from "../../../../cli/verbs/module.ts"

const cwd = fileURLToPath(new URL("../../../../test", import.meta.url))
const root = dirname(cwd)
const arg = (type: Type, more: Partial<Arg> = {}): Arg => ({
  name: "x",
  flag: "x",
  description: "",
  type,
  optional: true,
  variadic: false,
  ...more,
})
const object = (name: string): Type => ({ kind: "object", name })
const level: Type = {
  kind: "enum",
  name: "Level",
  values: [
    { name: "Low", value: "LOW", description: "" },
    { name: "High", value: "HIGH", description: "" },
  ],
}

test.each([
  ["", []],
  ["a", ["a"]],
  ["a,b", ["a", "b"]],
  ["a,", ["a", ""]],
  ["-k,--args=x", ["-k", "--args=x"]],
  ['"a,b",c', ["a,b", "c"]],
  ['"say ""x"""', ['say "x"']],
  ["a b, c", ["a b", " c"]],
])("a list flag is read as one CSV record: %s", (text, values) => {
  expect(parseCsv(text, "args")).toEqual(values)
})

test("a stray quote is refused, as in `dagger call`", () => {
  expect(() => parseCsv('-k "a b"', "args")).toThrow(
    'a quote in the middle of a value of --args: -k "a b"',
  )
})

test.each<[Type, string, unknown]>([
  [{ kind: "string" }, "3.13", "3.13"],
  [{ kind: "integer" }, "-4", -4],
  [{ kind: "float" }, "0.5", 0.5],
  [{ kind: "boolean" }, "T", true],
  [{ kind: "boolean" }, "0", false],
  [level, "High", "HIGH"],
  [level, "LOW", "LOW"],
  [object("Directory"), "unit", { directory: `${cwd}/unit`, exclude: [".git"] }],
  [
    object("Directory"),
    "https://example.com/r.git#main",
    { directory: "https://example.com/r.git#main", exclude: [".git"] },
  ],
  [object("File"), "../LICENSE", { file: `${root}/LICENSE` }],
  [object("Secret"), "env:PATH", { secret: "env://PATH" }],
  [object("Container"), "alpine:3", { container: "alpine:3" }],
])("a value of type %o", (type, text, value) => {
  expect(toValue(arg(type, { ignore: [".git"] }), [text], cwd)).toEqual(value)
})

test("the last one counts, and all of a list", () => {
  expect(toValue(arg({ kind: "string" }), ["a", "b"], cwd)).toBe("b")
  const list = arg({ kind: "list", of: { kind: "integer" } })
  expect(toValue(list, ["1,2", "3"], cwd)).toEqual([1, 2, 3])
})

test("without the flag", () => {
  const project = arg(object("Directory"), { defaultPath: "/", ignore: ["dist"] })
  expect(toValue(project, undefined, cwd)).toEqual({ directory: cwd, exclude: ["dist"] })
  expect(toValue(arg(object("File"), { defaultPath: "/LICENSE" }), undefined, root)).toEqual({
    file: `${root}/LICENSE`,
  })
  expect(toValue(arg({ kind: "string" }, { default: "a" }), undefined, cwd)).toBeUndefined()
  expect(() => toValue(arg(level, { optional: false }), undefined, cwd)).toThrow("--x is missing")
})

test.each<[Type, string, string]>([
  [{ kind: "integer" }, "1.5", "--x=1.5: expected a whole number"],
  [{ kind: "float" }, "", "--x=: expected a number"],
  [{ kind: "boolean" }, "yes", "--x=yes: expected true or false"],
  [level, "MID", "--x=MID: expected one of LOW, HIGH"],
  [object("Directory"), "nowhere", "--x=nowhere: there is no such folder"],
  [object("Directory"), "../LICENSE", "--x=../LICENSE: is not a folder"],
  [object("File"), "unit", "--x=unit: is not a file"],
  [object("Secret"), "env:PYLINE_NO_SUCH_VARIABLE", "--x: there is no such variable"],
  [object("Secret"), "file:nowhere", "--x: there is no such file"],
  [object("Secret"), "file:unit", "--x: there is no such file"],
  [object("Socket"), "x", "--x takes a Socket, which pyline cannot make from text"],
])("a wrong value of type %o", (type, text, message) => {
  expect(() => toValue(arg(type), [text], cwd)).toThrow(message)
})

test("secrets are named, never given", () => {
  expect(parseSecret("env://TOKEN", "token", cwd)).toBe("env://TOKEN")
  expect(parseSecret("file:secret.txt", "token", cwd)).toBe(`file://${cwd}/secret.txt`)
  expect(parseSecret("cmd:pass show x", "token", cwd)).toBe("cmd://pass show x")
  for (const text of ["hunter2", "https://user:hunter2@host", "hunter2:x", "env:"])
    expect(() => parseSecret(text, "token", cwd)).toThrow(
      /^--token takes the place of a secret, not the secret itself$/,
    )
})
