import { AS_GIVEN, type Caller, csvField, type Flags, shellLine } from "../../ci/src/caller.ts"
import { parseCsv } from "../args/csv.ts"
import { passedArg } from "../args/parse.ts"
import type { VerbRequest } from "../args/request.ts"
import type { Arg } from "../verbs/module.ts"

/** The command as the module sees it: what it wants to be said, and the command line of a call. */
export function callerOf(request: VerbRequest, notice: (text: string) => void): Caller {
  return { notice, commandLine: (verb, flags) => commandLine(request, verb, flags) }
}

/** The request's own command line with another verb or other flags, as one writes it. */
function commandLine(request: VerbRequest, name: string, flags: Flags): string {
  const verb = request.verbs.find((other) => other.name === name) ?? request.verb
  const passed = passedArg(verb)
  const words: string[] = []
  let behind: readonly string[] = []
  for (const arg of verb.args) {
    const value = arg.name in flags ? flags[arg.name] : AS_GIVEN
    const own = request.given.get(arg.name) ?? []
    if (arg === passed && value === AS_GIVEN) behind = own.flatMap((t) => parseCsv(t, arg.flag))
    else if (arg === passed && Array.isArray(value)) behind = value
    else if (value === AS_GIVEN) words.push(...own.flatMap((text) => given(arg, text)))
    else words.push(...flagOf(arg, value))
  }
  const { engine } = request.options
  return shellLine([
    ...["pyline", verb.name, ...words],
    ...(engine === "auto" ? [] : ["--engine", engine]),
    ...(behind.length > 0 ? ["--", ...behind] : []),
  ])
}

/** A flag as it was written: of a list, each time that it was given. */
function given({ flag, type }: Arg, text: string): string[] {
  if (type.kind !== "boolean") return written(flag, text)
  return [text === "true" ? `--${flag}` : `--no-${flag}`]
}

function flagOf({ flag }: Arg, value: Exclude<Flags[string], typeof AS_GIVEN>): string[] {
  if (value === undefined) return []
  if (typeof value === "boolean") return [value ? `--${flag}` : `--no-${flag}`]
  if (typeof value === "string") return written(flag, value)
  return value.length > 0 ? written(flag, value.map(csvField).join(",")) : []
}

const written = (flag: string, text: string): string[] =>
  text.startsWith("-") ? [`--${flag}=${text}`] : [`--${flag}`, text]
