import { readFileSync } from "node:fs"

/** The keywords of JSON Schema that the schemas of docs/ use. */
interface Schema {
  $ref?: string
  $defs?: { [name: string]: Schema }
  type?: string
  const?: unknown
  enum?: unknown[]
  required?: string[]
  properties?: { [name: string]: Schema }
  items?: Schema
  pattern?: string
  minimum?: number
  maximum?: number
}

const KNOWN = ["$schema", "$ref", "$defs", "title", "description", "type", "const", "enum"]
KNOWN.push("required", "properties", "items", "pattern", "minimum", "maximum")

/**
 * What is wrong with a document by a schema of docs/. Stricter than the standard: a key that the schema does not name is
 * wrong, so that none stays undocumented.
 */
export function violations(name: string, document: unknown): string[] {
  const root = JSON.parse(
    readFileSync(new URL(`../docs/${name}.schema.json`, import.meta.url), "utf8"),
  ) as Schema
  return check(document, root, root, "$")
}

function check(value: unknown, schema: Schema, root: Schema, at: string): string[] {
  const strange = Object.keys(schema).find((keyword) => !KNOWN.includes(keyword))
  if (strange !== undefined) return [`the schema uses ${strange}, which this test does not know`]
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace("#/$defs/", "")]
    return target === undefined ? [`no ${schema.$ref}`] : check(value, target, root, at)
  }
  const wrong: string[] = []
  const expect = (is: boolean, what: string) => is || wrong.push(`${at} ${what}`)
  if (schema.type !== undefined) expect(isType(value, schema.type), `is no ${schema.type}`)
  if (schema.const !== undefined) expect(value === schema.const, `is not ${schema.const}`)
  if (schema.enum !== undefined) expect(schema.enum.includes(value), `is none of ${schema.enum}`)
  if (typeof value === "string" && schema.pattern !== undefined)
    expect(new RegExp(schema.pattern, "u").test(value), `is not like ${schema.pattern}`)
  if (typeof value === "number") {
    expect(value >= (schema.minimum ?? value), `is less than ${schema.minimum}`)
    expect(value <= (schema.maximum ?? value), `is more than ${schema.maximum}`)
  }
  if (Array.isArray(value))
    wrong.push(...value.flatMap((item, i) => check(item, schema.items ?? {}, root, `${at}[${i}]`)))
  else if (typeof value === "object" && value !== null) {
    for (const key of schema.required ?? []) expect(key in value, `has no ${key}`)
    for (const [key, part] of Object.entries(value)) {
      const known = schema.properties?.[key]
      if (known === undefined) wrong.push(`${at}.${key} is not in the schema`)
      else wrong.push(...check(part, known, root, `${at}.${key}`))
    }
  }
  return wrong
}

function isType(value: unknown, type: string): boolean {
  if (type === "array") return Array.isArray(value)
  if (type === "integer") return Number.isInteger(value)
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value)
  return typeof value === type
}
