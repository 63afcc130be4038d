import { readFileSync } from "node:fs"
import { buildSchema, isObjectType } from "graphql"
import { expect, test } from "vitest"

const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8")

/** The page of what is supported, made from the two schemas. `npx vitest run -u` writes it anew. */
test("docs/engine-api.md lists what is supported", async () => {
  const ours = buildSchema(read("../../../engine/api/schema.graphql"))
  const dagger = JSON.parse(read("../../data/dagger-schema.json")) as {
    version: string
    types: Record<string, { fields?: Record<string, unknown> }>
  }
  const rows = Object.values(ours.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith("__"))
    .sort((a, b) => a.name.localeCompare(b.name))
    .map((type) => {
      const own = isObjectType(type) ? Object.keys(type.getFields()).sort() : []
      const all = Object.keys(dagger.types[type.name]?.fields ?? {})
      const missing = all.filter((f) => !own.includes(f) && !f.startsWith("load")).sort()
      const list = (names: string[]) =>
        names
          .filter((n) => !n.startsWith("load"))
          .map((n) => `\`${n}\``)
          .join(" ") || "all"
      // What a query can start with beyond this is not a pipeline's business: modules, git, LLMs.
      const rest = type.name === "Query" ? "everything else" : missing.length ? list(missing) : "—"
      return `| **${type.name}** | ${list(own)} | ${rest} |`
    })
  const page = [
    "# The API of the embedded engine",
    "",
    `Of Dagger ${dagger.version}, with the same names, arguments and types. This page is generated: \`npx vitest run -u test/unit/api\`.`,
    "",
    "A field that is not supported fails with an error that names it and says `not supported by the embedded engine, use --engine dagger`.",
    "",
    "| type | supported | not supported |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n")
  await expect(page).toMatchFileSnapshot("../../../docs/engine-api.md")
})
