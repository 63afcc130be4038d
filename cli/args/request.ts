import type { Host } from "../init/host.ts"
import type { Verb } from "../verbs/module.ts"

/** What a command line asks for. */
export type Request =
  /** A text to print, and nothing else to do. */
  | { kind: "text"; text: string }
  | VerbRequest
  | { kind: "report"; source: string; open: boolean; verbs: Verb[]; options: Options }
  | { kind: "history"; source: string; most: number; json: boolean; options: Options }
  | { kind: "run"; command: string[]; options: Options }
  | { kind: "engine"; action: "status" | "stop"; options: Options }
  | { kind: "engine"; action: "prune"; all: boolean; options: Options }
  | { kind: "engine"; action: "logs"; follow: boolean; options: Options }
  | { kind: "setup"; force: boolean; options: Options }
  | { kind: "init"; host: Host; from?: string; branch?: string; registry?: string; force: boolean }

export interface VerbRequest {
  kind: "verb"
  verb: Verb
  /** All that the module has. */
  verbs: Verb[]
  /** Values by name of the parameter, in the order given. */
  given: Map<string, string[]>
  /** Where to put a directory, file or image. */
  output?: string
  /** Apply a changeset without asking. */
  apply: boolean
  options: Options
}

export interface Options {
  engine: "auto" | "dagger" | "embedded"
  progress: "auto" | "tty" | "plain" | "quiet"
  trace: boolean
}
