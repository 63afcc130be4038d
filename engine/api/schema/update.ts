/**
 * Writes the schema that the embedded engine answers, and what the tests compare it with, from Dagger's own schema.
 *
 *   node --import tsx engine/api/schema/update.ts <schema.json>
 *
 * `schema.json` is the answer of a Dagger engine to an introspection query (`dagger query --doc introspection.graphql`, or
 * any GraphQL client in `dagger run`). Which types and fields are supported is what `schema.graphql` has: to support one
 * more, write its bare name where it belongs and run this; arguments, types and defaults are Dagger's. A test says when a
 * field has no resolver or differs.
 */
import { readFileSync, writeFileSync } from "node:fs"

interface Ref {
  kind: string
  name: string | null
  ofType: Ref | null
}
interface Input {
  name: string
  type: Ref
  defaultValue: string | null
}
interface Field {
  name: string
  args: Input[]
  type: Ref
}
interface Type {
  kind: string
  name: string
  fields: Field[] | null
  inputFields: Input[] | null
  enumValues: { name: string }[] | null
  interfaces: { name: string }[] | null
}

const VERSION = "0.21.8"
const schemaFile = new URL("../schema.graphql", import.meta.url)
const dataFile = new URL("../../../test/data/dagger-schema.json", import.meta.url)
const BUILT_IN = ["ID", "Int", "String", "Boolean", "Float"]

const path = process.argv[2]
if (path === undefined) throw new Error("usage: update.ts <schema.json>")
const document = JSON.parse(readFileSync(path, "utf8"))
const types = new Map<string, Type>(
  (document.__schema ?? document.data.__schema).types.map((type: Type) => [type.name, type]),
)

function typeOf(name: string): Type {
  const type = types.get(name)
  if (type === undefined) throw new Error(`Dagger has no type ${name}`)
  return type
}

const text = (type: Ref): string => {
  if (type.kind === "NON_NULL") return `${text(type.ofType as Ref)}!`
  if (type.kind === "LIST") return `[${text(type.ofType as Ref)}]`
  return type.name as string
}

const input = ({ name, type, defaultValue }: Input): string =>
  `${name}: ${text(type)}${defaultValue === null ? "" : ` = ${defaultValue}`}`

const field = ({ name, args, type }: Field): string =>
  `  ${name}${args.length > 0 ? `(${args.map(input).join(", ")})` : ""}: ${text(type)}`

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)

/** The supported fields of each type, in the order of the file. */
function supported(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [, name, body] of readFileSync(schemaFile, "utf8").matchAll(
    /^type (\w+)[^{]*\{\n(.*?)^\}/gms,
  )) {
    const names = [...(body as string).matchAll(/^ {2}(\w+)/gm)].map(([, n]) => n as string)
    found.set(name as string, names)
  }
  return found
}

const used = new Set<string>()
/** Notes what a field needs beside its own type: enums, scalars, inputs. */
function note(type: Ref): void {
  const name = text(type).replace(/[[\]!]/g, "")
  if (used.has(name) || BUILT_IN.includes(name)) return
  const { kind, inputFields } = typeOf(name)
  if (kind === "OBJECT" || kind === "INTERFACE") return
  used.add(name)
  for (const { type: inner } of inputFields ?? []) note(inner)
}

const own = supported()
const interfaces = new Set<string>()
const objects = [...own].map(([name, names]) => {
  const type = typeOf(name)
  const fields = (type.fields ?? []).filter((f) => names.includes(f.name)).sort(byName)
  const unknown = names.filter((n) => !fields.some((f) => f.name === n))
  if (unknown.length > 0) throw new Error(`Dagger's ${name} has no ${unknown.join(", ")}`)
  for (const { args, type: result } of fields)
    for (const { type: t } of [...args, { type: result }]) note(t)
  const mine = (name === "Query" ? [] : (type.interfaces ?? []))
    .map((i) => i.name)
    .filter((i) => typeOf(i).fields?.every((f) => names.includes(f.name)))
    .sort()
  for (const i of mine) interfaces.add(i)
  const implemented = mine.length > 0 ? ` implements ${mine.join(" & ")}` : ""
  return `type ${name}${implemented} {\n${fields.map(field).join("\n")}\n}\n`
})

const ofKind = (kind: string) => [...used].filter((n) => typeOf(n).kind === kind).sort()
const block = (head: string, lines: string[]) => `${head} {\n${lines.join("\n")}\n}\n`
const sdl = [
  `# The part of the Dagger API (${VERSION}) that the embedded engine answers. A test compares each line with Dagger's own schema.\n`,
  ...objects,
  ...[...interfaces]
    .sort()
    .map((n) => block(`interface ${n}`, (typeOf(n).fields ?? []).map(field))),
  ...ofKind("INPUT_OBJECT").map((n) =>
    block(
      `input ${n}`,
      [...(typeOf(n).inputFields ?? [])].sort(byName).map((i) => `  ${input(i)}`),
    ),
  ),
  ...ofKind("ENUM").map((n) =>
    block(
      `enum ${n}`,
      (typeOf(n).enumValues ?? []).map((v) => `  ${v.name}`),
    ),
  ),
  ...ofKind("SCALAR").map((n) => `scalar ${n}\n`),
].join("\n")
writeFileSync(schemaFile, sdl)

// For the tests: all fields of these types, so that those that are not supported are known, too.
const inputs = (list: Input[]) =>
  Object.fromEntries(
    list.map(({ name, type, defaultValue }) => [
      name,
      { ...(defaultValue === null ? {} : { default: defaultValue }), type: text(type) },
    ]),
  )
const kept = [...own.keys(), ...interfaces, ...used, "ID"].sort().map((name) => {
  const { kind, fields, inputFields, enumValues, interfaces: all } = typeOf(name)
  return [
    name,
    {
      ...(fields?.length && {
        fields: Object.fromEntries(
          fields.map((f) => [f.name, { args: inputs(f.args), type: text(f.type) }]),
        ),
      }),
      ...(inputFields?.length && { inputFields: inputs(inputFields) }),
      ...(all?.length && { interfaces: all.map((i) => i.name) }),
      kind,
      ...(enumValues?.length && { values: enumValues.map((v) => v.name) }),
    },
  ]
})
const sorted = (_: string, value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
writeFileSync(
  dataFile,
  JSON.stringify({ types: Object.fromEntries(kept), version: `v${VERSION}` }, sorted, 1),
)
