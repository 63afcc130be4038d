import { statSync } from "node:fs"
import { resolve } from "node:path"
import { UsageError } from "../failure.ts"
import type { Arg, Type } from "../verbs/module.ts"
import { parseCsv } from "./csv.ts"
import { parseSecret, requireSecret } from "./secret.ts"

/** A value for a verb's parameter. Objects of Dagger's API are still only described: no session is needed yet. */
export type Value =
  | string
  | number
  | boolean
  | Value[]
  | { directory: string; exclude: string[] }
  | { file: string }
  | { secret: string }
  | { container: string }

/**
 * Reads what was given for a parameter, by the rules of `dagger call`.
 *
 * @param given each value in the order of the command line; undefined when the flag is not there
 * @param cwd what relative paths start from
 * @returns undefined when there is nothing to pass: the function's own default holds
 * @throws UsageError
 */
export function toValue(arg: Arg, given: string[] | undefined, cwd: string): Value | undefined {
  if (given === undefined) return defaultValue(arg, cwd)
  if (arg.type.kind === "list") {
    const { of } = arg.type
    return given
      .flatMap((text) => parseCsv(text, arg.flag))
      .map((text) => toSingle(of, text, arg, cwd))
  }
  return toSingle(arg.type, given.at(-1) ?? "", arg, cwd)
}

function defaultValue(arg: Arg, cwd: string): Value | undefined {
  // Dagger's "/" is the root of the project, which here is where the command was started.
  if (arg.defaultPath !== undefined)
    return toSingle(arg.type, resolve(cwd, `./${arg.defaultPath}`), arg, cwd)
  if (arg.defaultAddress !== undefined) return { container: arg.defaultAddress }
  if (arg.optional) return undefined
  throw new UsageError(`--${arg.flag} is missing`, `--${arg.flag} ${placeholder(arg.type)}`)
}

function toSingle(type: Type, text: string, arg: Arg, cwd: string): Value {
  switch (type.kind) {
    case "string":
    case "scalar":
      return text
    case "integer":
      if (!/^[+-]?\d+$/.test(text)) throw wrong(arg, text, "a whole number")
      return Number(text)
    case "float":
      if (text.trim() === "" || Number.isNaN(Number(text))) throw wrong(arg, text, "a number")
      return Number(text)
    case "boolean":
      if (/^(1|t|true)$/i.test(text)) return true
      if (/^(0|f|false)$/i.test(text)) return false
      throw wrong(arg, text, "true or false")
    case "enum": {
      const found = type.values.find(({ name, value }) => name === text || value === text)
      if (!found) throw wrong(arg, text, oneOf(type.values.map(({ value }) => value)))
      return found.value
    }
    case "object":
      return toObject(type.name, text, arg, cwd)
    default:
      throw new UsageError(`--${arg.flag} cannot be given on a command line`)
  }
}

function toObject(name: string, text: string, arg: Arg, cwd: string): Value {
  switch (name) {
    case "Directory":
      return { directory: place(text, arg, cwd, "folder"), exclude: arg.ignore ?? [] }
    case "File":
      return { file: place(text, arg, cwd, "file") }
    case "Secret":
      return { secret: presentSecret(text, arg.flag, cwd) }
    case "Container":
      return { container: text }
    default:
      throw new UsageError(`--${arg.flag} takes a ${name}, which pyline cannot make from text`)
  }
}

function presentSecret(text: string, flag: string, cwd: string): string {
  const uri = parseSecret(text, flag, cwd)
  requireSecret(uri, flag)
  return uri
}

/** An absolute path that is there, or the address of a repository as it is. */
function place(text: string, arg: Arg, cwd: string, what: "folder" | "file"): string {
  if (isRemote(text)) return text
  const path = resolve(cwd, text)
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) throw new UsageError(`--${arg.flag}=${text}: there is no such ${what}`)
  if (found.isDirectory() !== (what === "folder"))
    throw new UsageError(`--${arg.flag}=${text}: is not a ${what}`)
  return path
}

/** Whether an address is that of a repository and not a path: `https://…`, `git@host:…`. */
export function isRemote(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^[\w-]+@[\w.-]+:/.test(text)
}

/** What stands for a value in help texts. */
export function placeholder(type: Type): string {
  switch (type.kind) {
    case "list":
      return `<${inner(type.of)},…>`
    default:
      return `<${inner(type)}>`
  }
}

function inner(type: Type): string {
  switch (type.kind) {
    case "enum":
      return type.values.map(({ value }) => value).join("|")
    case "integer":
    case "float":
      return "number"
    case "object":
      return (
        { Directory: "path", File: "path", Secret: "env:NAME|file:PATH", Container: "image" }[
          type.name
        ] ?? type.name.toLowerCase()
      )
    default:
      return "text"
  }
}

const oneOf = (values: string[]) => `one of ${values.join(", ")}`

const wrong = (arg: Arg, text: string, expected: string) =>
  new UsageError(`--${arg.flag}=${text}: expected ${expected}`)
