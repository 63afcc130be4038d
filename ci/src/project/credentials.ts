import { credentialsInvalid } from "../errors.ts"
import type { Index } from "./facts.ts"

/** Who may read an index. */
export interface Login {
  url: string
  username: string
  password: string
}

/** What a secret with credentials says: logins, and indexes to use where the project names none. */
export interface Access {
  /** The secret itself, where it is a netrc file already. */
  netrc?: string
  logins: Login[]
  /** The index that stands for the public one, without its login. */
  index?: string
  extraIndexes: string[]
}

type Kind = "username" | "password"

/**
 * Reads credentials of package indexes in any of the forms that tools keep them in, told apart by what is in them: a netrc
 * file, pip's configuration, the auth.toml of Poetry or config.toml of PDM, or variables as in an env file.
 *
 * Names (`UV_INDEX_INTERNAL_PASSWORD`, `[http-basic.internal]`) are those of the project's indexes; other variables fill
 * the ones in their addresses, such as `https://${USER}:${TOKEN}@host/simple`. What fits no index is not used.
 *
 * @throws PylineError where it is none of these. The error repeats nothing of it.
 */
export function readCredentials(text: string, indexes: readonly Index[]): Access {
  const first = significant(text)[0]
  if (first === undefined) return { logins: [], extraIndexes: [] }
  if (/^(machine\s|machine$|default(\s|$)|macdef\s)/.test(first))
    return { netrc: text, logins: [], extraIndexes: [] }
  if (first.startsWith("[")) return fromSections(text, indexes)
  const variables = variablesOf(text)
  if (variables === undefined) throw credentialsInvalid()
  return fromVariables(variables, indexes)
}

const significant = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^[#;]/.test(line))

/** `NAME=value` lines, also with `export` and quotes; `undefined` where a line is something else. */
function variablesOf(text: string): Map<string, string> | undefined {
  const variables = new Map<string, string>()
  for (const line of significant(text)) {
    const match = /^(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line)
    if (match === null) return undefined
    variables.set(match[1] ?? "", unquoted(match[2] ?? ""))
  }
  return variables
}

const unquoted = (value: string): string =>
  /^"(.*)"$/.exec(value)?.[1]?.replace(/\\(["\\])/g, "$1") ?? /^'(.*)'$/.exec(value)?.[1] ?? value

/** As uv and Poetry make the name of a variable out of that of an index. */
const inVariable = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9]/g, "_")

const NAMED = /^(?:UV_INDEX|POETRY_HTTP_BASIC)_(.+)_(USERNAME|PASSWORD)$/

/** Whether a variable can be nothing but the credentials of a named index. */
export const isCredential = (variable: string): boolean => NAMED.test(variable)

function fromVariables(variables: ReadonlyMap<string, string>, indexes: readonly Index[]): Access {
  const access: Access = { logins: [], extraIndexes: [] }
  const named = new Logins()
  for (const [variable, value] of variables) {
    const [, name, kind] = NAMED.exec(variable) ?? []
    if (name !== undefined) named.add(name, kind?.toLowerCase() as Kind, value)
  }
  for (const { name, url, login } of indexes) {
    const found =
      (name === undefined ? undefined : named.get(inVariable(name))) ?? filled(login, variables)
    if (found !== undefined) access.logins.push({ url, ...found })
  }
  const first = (...names: string[]) => names.map((name) => variables.get(name)).find(Boolean)
  const main = first(
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "PIP_INDEX_URL",
    "PDM_PYPI_URL",
    "PIPENV_PYPI_MIRROR",
  )
  if (main !== undefined) {
    const [username, password] = [first("PDM_PYPI_USERNAME"), first("PDM_PYPI_PASSWORD")]
    access.index = without(main, access.logins)
    if (username !== undefined)
      access.logins.push({ url: access.index, username, password: password ?? "" })
  }
  const more = first("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
  for (const url of more?.split(/\s+/).filter(Boolean) ?? [])
    access.extraIndexes.push(without(url, access.logins))
  return access
}

/** Sections of pip.conf (`[global]`), Poetry's auth.toml (`[http-basic.NAME]`) and PDM's config.toml (`[pypi.NAME]`). */
function fromSections(text: string, indexes: readonly Index[]): Access {
  const access: Access = { logins: [], extraIndexes: [] }
  const options = new Map<string, string[]>()
  let section = ""
  let key = ""
  for (const line of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    if (line.trim() === "" || /^\s*[#;]/.test(line)) continue
    const header = /^\[\s*(.+?)\s*\]\s*$/.exec(line)?.[1]
    const option = /^([\w.-]+)\s*[=:]\s*(.*)$/.exec(line)
    if (header !== undefined) section = header
    else if (option !== null) {
      key = `${section}\0${option[1]?.toLowerCase().replaceAll("_", "-")}`
      options.set(key, [unquoted(option[2]?.trim() ?? "")])
    } else if (/^\s/.test(line) && key !== "") options.get(key)?.push(line.trim())
    else throw credentialsInvalid()
  }
  const named = new Logins()
  for (const [place, lines] of options) {
    const [where = "", option = ""] = place.split("\0")
    const name = /^(?:http-basic|pypi)\.["']?(.+?)["']?$/.exec(where)?.[1]
    if (name !== undefined && (option === "username" || option === "password"))
      named.add(inVariable(name), option, lines[0] ?? "")
  }
  for (const { name, url } of indexes) {
    const found = name === undefined ? undefined : named.get(inVariable(name))
    if (found !== undefined) access.logins.push({ url, ...found })
  }
  const pip = (option: string) =>
    ["install", "global"].map((where) => options.get(`${where}\0${option}`)).find(Boolean)
  const main = pip("index-url")?.join("") ?? options.get("pypi\0url")?.[0]
  if (main !== undefined) {
    access.index = without(main, access.logins)
    const username = options.get("pypi\0username")?.[0]
    if (username !== undefined && pip("index-url") === undefined) {
      const password = options.get("pypi\0password")?.[0] ?? ""
      access.logins.push({ url: access.index, username, password })
    }
  }
  for (const url of pip("extra-index-url")?.join(" ").split(/\s+/).filter(Boolean) ?? [])
    access.extraIndexes.push(without(url, access.logins))
  return access
}

/** Halves of logins as they are met. */
class Logins {
  readonly #known = new Map<string, Partial<Record<Kind, string>>>()

  add(name: string, kind: Kind, value: string): void {
    this.#known.set(name, { ...this.#known.get(name), [kind]: value })
  }

  /** A token alone is a password: indexes that take one look at no name. */
  get(name: string): Omit<Login, "url"> | undefined {
    const found = this.#known.get(name)
    if (found === undefined) return undefined
    return { username: found.username ?? "__token__", password: found.password ?? "" }
  }
}

/** A login with its variables filled in, where all of them are known. */
function filled(
  login: string | undefined,
  variables: ReadonlyMap<string, string>,
): Omit<Login, "url"> | undefined {
  if (login === undefined) return undefined
  const names = [...login.matchAll(/\$\{?(\w+)\}?/g)].map(([, name]) => name ?? "")
  if (!names.every((name) => variables.has(name))) return undefined
  const [username = "", password = ""] = login
    .split(/:(.*)/s)
    .map((part) => part.replace(/\$\{?(\w+)\}?/g, (_, name: string) => variables.get(name) ?? ""))
    .map(decode)
  return { username, password }
}

/** An address without its login, which is noted. */
function without(text: string, logins: Login[]): string {
  // `name=https://…`, as uv has it.
  const address = text.replace(/^[\w.-]+=(?=https?:)/, "")
  let url: URL
  try {
    url = new URL(address)
  } catch {
    throw credentialsInvalid()
  }
  const [username, password] = [decode(url.username), decode(url.password)]
  url.username = ""
  url.password = ""
  if (username !== "" || password !== "") logins.push({ url: url.href, username, password })
  return url.href
}

/**
 * Logins as the installer reads them: a netrc file, which knows hosts alone, and for hosts where one login does not do a
 * list of addresses with theirs, in the form of `uv auth`.
 */
export function loginFiles(logins: readonly Login[]): { netrc: string; list: string } {
  const hosts = new Map<string, Login[]>()
  for (const login of logins) {
    const { hostname } = new URL(login.url)
    hosts.set(hostname, [...(hosts.get(hostname) ?? []), login])
  }
  let [netrc, list] = ["", ""]
  for (const [host, own] of hosts) {
    const [first, ...others] = own
    if (first === undefined) continue
    if (
      others.every(
        ({ username, password }) => username === first.username && password === first.password,
      )
    ) {
      netrc += `machine ${host} login ${netrcWord(first.username)} password ${netrcWord(first.password)}\n`
      continue
    }
    for (const { url, username, password } of own) {
      // The files of an index are beside its list of names, not below it.
      const service = url.replace(/\/(?:\+?simple)?\/?$/, "")
      const entry = { service, username, password }
      list += "[[credential]]\n"
      for (const [key, value] of Object.entries(entry))
        list += `${key} = ${JSON.stringify(value)}\n`
    }
  }
  return { netrc, list }
}

const netrcWord = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
