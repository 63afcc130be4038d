import { readFileSync } from "node:fs"
import {
  buildSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
} from "graphql"
import { describe, expect, test } from "vitest"

interface DaggerType {
  kind: string
  fields?: Record<
    string,
    { type: string; args: Record<string, { type: string; default?: string }> }
  >
  inputFields?: Record<string, { type: string; default?: string }>
  values?: string[]
  interfaces?: string[]
}

const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8")
const ours = buildSchema(read("../../../engine/api/schema.graphql"))
const dagger = JSON.parse(read("../../data/dagger-schema.json")) as {
  version: string
  types: Record<string, DaggerType>
}

const own = Object.values(ours.getTypeMap()).filter((t) => !t.name.startsWith("__"))
const builtIn = ["String", "Int", "Boolean", "Float", "ID"]

describe(`the schema is a part of that of Dagger ${dagger.version}`, () => {
  test.each(own.filter((t) => !builtIn.includes(t.name)).map((t) => [t.name, t] as const))(
    "%s",
    (name, type) => {
      const theirs = dagger.types[name]
      expect(theirs, `Dagger has no type ${name}`).toBeDefined()
      if (isScalarType(type)) return expect(theirs?.kind).toBe("SCALAR")
      if (isEnumType(type)) {
        return expect(type.getValues().map((v) => v.name)).toEqual(theirs?.values)
      }
      if (isInputObjectType(type)) {
        const fields = Object.values(type.getFields()).map((f) => [f.name, String(f.type)])
        const real = Object.entries(theirs?.inputFields ?? {}).map(([n, f]) => [n, f.type])
        return expect(fields.sort()).toEqual(real.sort())
      }
      expect(isObjectType(type) || isInterfaceType(type)).toBe(true)
      if (!isObjectType(type) && !isInterfaceType(type)) return
      expect(theirs?.interfaces ?? []).toEqual(
        expect.arrayContaining(type.getInterfaces().map((i) => i.name)),
      )
      for (const field of Object.values(type.getFields())) {
        const real = theirs?.fields?.[field.name]
        expect(real, `Dagger has no field ${name}.${field.name}`).toBeDefined()
        expect(`${name}.${field.name}: ${field.type}`).toBe(`${name}.${field.name}: ${real?.type}`)
        const args = Object.fromEntries(field.args.map((a) => [a.name, String(a.type)]))
        for (const [arg, type] of Object.entries(args)) {
          expect(`${field.name}(${arg}: ${type})`).toBe(
            `${field.name}(${arg}: ${real?.args[arg]?.type})`,
          )
        }
        // An argument that is required and that we do not know would be refused.
        for (const [arg, { type }] of Object.entries(real?.args ?? {})) {
          if (type.endsWith("!")) expect(Object.keys(args)).toContain(arg)
        }
        for (const arg of field.args) {
          const fallback = arg.defaultValue
          const real_ = real?.args[arg.name]?.default
          expect(fallback === undefined).toBe(real_ === undefined)
        }
      }
    },
  )
})

test("every argument that Dagger's SDK may send is known", () => {
  for (const type of own) {
    if (!isObjectType(type)) continue
    for (const field of Object.values(type.getFields())) {
      const real = Object.keys(dagger.types[type.name]?.fields?.[field.name]?.args ?? {})
      expect([type.name, field.name, field.args.map((a) => a.name).sort()]).toEqual([
        type.name,
        field.name,
        real.sort(),
      ])
    }
  }
})
