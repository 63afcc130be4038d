import type { Result } from "./pipeline/result.ts"

/** A value that is no text here, such as a secret: the command line has it as the user wrote it. */
export const AS_GIVEN = Symbol("as given")

/** How a line begins that a program of ours prints for the function that runs it: for no person to read. */
export const ANSWER = "pyline-check: "

/** Values of a verb's parameters by their names, as far as a command line can have them. */
export type Flags = Record<
  string,
  string | readonly string[] | boolean | typeof AS_GIVEN | undefined
>

/** Whoever runs the module's functions: where messages go, and how the same is asked for once more. */
export interface Caller {
  /** Says something that a person should know while the work goes on. */
  notice(text: string): void
  /**
   * The command line that calls a verb as this one was called, but for these flags. One that is undefined
   * is left out.
   */
  commandLine(verb: string, flags: Flags): string
  /** Hears of what a verb found out, red or green, before the verb says so in its own words. */
  found?(result: Result): void
}

/** `dagger call`, which shows what a function writes on standard error. It tells a function nothing of how it was called. */
const dagger: Caller = {
  notice: (text) => console.error(text),
  commandLine: (verb, flags) =>
    shellLine([
      ...["dagger", "call", kebabCase(verb), "--source=."],
      ...Object.entries(flags).flatMap(([name, value]) => flag(name, value)),
    ]),
}

let caller: Caller = dagger

/** Takes the place of `dagger call`: for a program that calls the functions in its own process. */
export function callFrom(other: Caller): void {
  caller = other
}

/** Says something while the work goes on. */
export function notice(text: string): void {
  caller.notice(text)
}

/** Tells what a verb found out. */
export function found(result: Result): void {
  caller.found?.(result)
}

/** The command line that calls a verb in the way of this call, with these flags in place of this call's own. */
export function commandLine(verb: string, flags: Flags): string {
  return caller.commandLine(verb, flags)
}

function flag(name: string, value: Flags[string]): string[] {
  const dashed = `--${kebabCase(name)}`
  if (value === undefined || value === false) return []
  if (value === true) return [dashed]
  // Where it came from, a function is not told.
  if (value === AS_GIVEN) return [`${dashed}=env:NAME`]
  if (typeof value === "string") return [`${dashed}=${value}`]
  return value.length === 0 ? [] : [`${dashed}=${value.map(csvField).join(",")}`]
}

/** One value of a list, as `dagger call` and `pyline` read it: a record of RFC 4180. */
export const csvField = (value: string): string =>
  /[",\r\n]|^$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value

const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)

/** Words as a POSIX shell reads them back. */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(" ")
}

function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  const name = /^--[\w-]+=/.exec(word)?.[0] ?? ""
  return `${name}'${word.slice(name.length).replaceAll("'", `'\\''`)}'`
}
