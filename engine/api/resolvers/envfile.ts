import { dropPair, setPair } from "../../graph/container.ts"
import { newFile } from "../../graph/directory.ts"
import { EngineError } from "../../graph/errors.ts"
import { split } from "../../graph/image.ts"
import type { EnvFile, EnvVariable, Pair } from "../../graph/values.ts"

/** Reads an env file: a variable a line, quotes and references to earlier variables resolved. */
export function parseEnvFile(text: string): EnvFile {
  const rows = text.split("\n").filter((line) => line.trim() !== "")
  return { kind: "EnvFile", variables: rows.map((line) => split(line.replace(/\r$/, ""))) }
}

/** The variables as a container gets them. */
export const resolved = (file: EnvFile): Pair[] =>
  file.variables.reduce<Pair[]>((known, { name, value }) => {
    return setPair(known, name, evaluate(value, known))
  }, [])

function evaluate(value: string, known: readonly Pair[]): string {
  const [, quote, inner] = /^(["'])(.*)\1$/s.exec(value) ?? []
  const text = inner ?? value
  if (quote === "'") return text
  return text.replace(/\$\{([^}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)/g, (_, braced, plain) => {
    return known.find((v) => v.name === (braced ?? plain))?.value ?? ""
  })
}

type Named = { name: string }
type Raw = { raw?: boolean | null }

export const envFile = {
  withVariable: (f: EnvFile, { name, value }: Pair): EnvFile => ({
    ...f,
    variables: setPair(f.variables, name, value),
  }),
  withoutVariable: (f: EnvFile, { name }: Named): EnvFile => ({
    ...f,
    variables: dropPair(f.variables, name),
  }),
  exists: (f: EnvFile, { name }: Named) => f.variables.some((v) => v.name === name),
  get(f: EnvFile, { name, raw }: Named & Raw): string {
    const found = (raw ? f.variables : resolved(f)).find((v) => v.name === name)
    if (!found) throw new EngineError(`variable ${JSON.stringify(name)} not found`)
    return found.value
  },
  variables: (f: EnvFile, { raw }: Raw): EnvVariable[] =>
    (raw ? f.variables : resolved(f)).map((v) => ({ kind: "EnvVariable", ...v })),
  asFile: (f: EnvFile) =>
    newFile(".env", f.variables.map((v) => `${v.name}=${v.value}\n`).join("")),
}
