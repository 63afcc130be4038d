import { shell } from "./server.ts"

/** Programs whose distribution has another name, or that a command line is sure to need. */
const PROGRAMS: Record<string, string> = {
  gunicorn: "gunicorn",
  uvicorn: "uvicorn",
  hypercorn: "hypercorn",
  daphne: "daphne",
  granian: "granian",
  "waitress-serve": "waitress",
  celery: "celery",
  rq: "rq",
  streamlit: "streamlit",
  flask: "flask",
  fastapi: "fastapi",
}

/** A line that a shell reads, as arguments. What is one program takes the place of the shell, so that signals reach it. */
export function lineCommand(line: string): string[] {
  const simple = /^[\w./-]+(\s|$)/.test(line) && !/[;&|<>`\n()]/.test(line)
  const builtin = /^(exec|cd|export|set|source|\.|if|for|while)(\s|$)/.test(line)
  return shell(simple && !builtin ? `exec ${line}` : line)
}

/** The distribution that a command line needs for the program that it starts, where that is known. */
export function programOf(command: readonly string[]): string | undefined {
  const words = wordsOf(command)
  const first = words.find((word) => !/^\w+=/.test(word) && word !== "exec" && word !== "env")
  const module = /^python[\d.]*$/.test(first ?? "") && words.includes("-m")
  const name = module ? words[words.indexOf("-m") + 1] : first
  return name !== undefined && Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined
}

/** The port that a command line names, where it names one. */
export function portIn(command: readonly string[]): number | undefined {
  const text = wordsOf(command).join(" ")
  const port =
    /(?:--port|--server\.port|-p|--bind|-b|--listen|--http-socket)[ =]"?(?:[\d.*[\]:]*:)?(\d{2,5})\b/.exec(
      text,
    )?.[1]
  return port === undefined ? undefined : Number(port)
}

/** Why nobody outside of the container could reach what a command line starts, where that is so. */
export function unreachable(command: readonly string[]): string | undefined {
  const text = wordsOf(command).join(" ")
  const program = programOf(command)
  const hosts: Record<string, [RegExp, string]> = {
    uvicorn: [/--host|--uds|--fd|UVICORN_HOST/, "--host 0.0.0.0"],
    flask: [/--host|-h |FLASK_RUN_HOST/, "--host 0.0.0.0"],
    granian: [/--host|GRANIAN_HOST/, "--host 0.0.0.0"],
    hypercorn: [/--bind|-b /, "--bind 0.0.0.0:$PORT"],
    daphne: [/-b |--bind|-e /, "-b 0.0.0.0"],
  }
  const [said, fix] = hosts[program ?? ""] ?? []
  if (said === undefined || said.test(text)) return undefined
  return `${program} listens on 127.0.0.1 unless it is told ${fix}: nothing outside of the container reaches it`
}

const wordsOf = (command: readonly string[]): string[] =>
  (command[0] === "/bin/sh" && command[1] === "-c" ? [command[2] ?? ""] : command)
    .join(" ")
    .split(/\s+/)
    .filter((word) => word !== "")

/** A command as a person would type it. */
export function shown(command: readonly string[]): string {
  if (command[0] === "/bin/sh" && command[1] === "-c")
    return (command[2] ?? "").replace(/^exec /, "")
  return command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ")
}
