/** The module as Dagger's introspector reads it; `dist/verbs.json` is one of these. */
export interface Module {
  name: string
  /** Name of the class whose methods are the verbs. */
  className: string
  description: string
  verbs: Verb[]
}

/** One method of the module's class. */
export interface Verb {
  /** As on the command line, kebab-case. */
  name: string
  method: string
  description: string
  deprecated?: string
  /** `dagger check` runs it. */
  check: boolean
  /** `dagger generate` runs it. */
  generate: boolean
  /** How long Dagger may answer from its cache: "never", "session", a duration, or "" for as long as it likes. */
  cache: string
  args: Arg[]
  returns: Type
}

/** One parameter of a verb, in order. */
export interface Arg {
  name: string
  /** As on the command line, kebab-case without the dashes. */
  flag: string
  description: string
  deprecated?: string
  type: Type
  optional: boolean
  variadic: boolean
  default?: unknown
  /** Path in the user's project which is taken when the flag is not given. */
  defaultPath?: string
  /** Image reference which is taken when the flag is not given. */
  defaultAddress?: string
  /** Patterns of files which are left out of a directory. */
  ignore?: string[]
}

/** A type of Dagger's API as far as a command line can give or show it. */
export type Type =
  | { kind: "string" | "integer" | "float" | "boolean" | "void" }
  | { kind: "list"; of: Type }
  | { kind: "enum"; name: string; values: EnumValue[] }
  /** Directory, File, Secret …: what Dagger's API calls an object. */
  | { kind: "object"; name: string }
  | { kind: "scalar"; name: string }

export interface EnumValue {
  name: string
  value: string
  description: string
}
