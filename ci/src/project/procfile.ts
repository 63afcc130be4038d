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

/** What runs a program in an environment that a tool has made: in an image there is one environment, and no tool. */
const RUNNERS = /^(?:poetry|pipenv|uv|pdm|hatch|rye) run (?=[\w./])/

/** A line that a shell reads, as arguments. What is one program takes the place of the shell, so that signals reach it. */
export function lineCommand(text: string): string[] {
  const line = text.replace(RUNNERS, "")
  const simple = /^[\w./-]+(\s|$)/.test(line) && !/[;&|<>`\n()]/.test(line)
  const builtin = /^(exec|cd|export|set|source|\.|if|for|while)(\s|$)/.test(line)
  return shell(simple && !builtin ? `exec ${line}` : line)
}

/** The distribution that a command line needs for the program that it starts, where that is known. */
export function programOf(command: readonly string[]): string | undefined {
  const name = programIn(command)
  return Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined
}

/** The program that a command line ends with: what comes before it in a list of commands ends by itself. */
function programIn(command: readonly string[]): string {
  const words = lastWords(command)
  const first = words.find((word) => !/^\w+=/.test(word) && word !== "exec" && word !== "env")
  const module = /^python[\d.]*$/.test(first ?? "") && words.includes("-m")
  return (module ? words[words.indexOf("-m") + 1] : first) ?? ""
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

/** What is likely to go wrong with a command line in a container. */
export function doubtsOf(command: readonly string[]): string[] {
  const [program, text] = [programIn(command), lastWords(command).join(" ")]
  const doubts: string[] = []
  const [said, flag, subcommand] = Object.hasOwn(HOSTS, program) ? (HOSTS[program] ?? []) : []
  if (
    said !== undefined &&
    !said.test(text) &&
    (subcommand === undefined || text.includes(subcommand))
  )
    doubts.push(
      `${program} listens on 127.0.0.1 unless it is told ${flag}: nothing outside of the container reaches it`,
    )
  if (ABSENT.test(program))
    doubts.push(`the start command is one of ${program}, which is not in the image`)
  if (MIGRATES.test(wordsOf(command).join(" ")))
    doubts.push(
      "the start command migrates the database in every container: make it the release command",
    )
  return doubts
}

/** What says where it listens, how it is told to listen everywhere, and the part of it that listens. */
const HOSTS: Record<string, [RegExp, string, string?]> = {
  uvicorn: [/--host|--uds|--fd|UVICORN_HOST/, "--host 0.0.0.0"],
  flask: [/--host|-h |FLASK_RUN_HOST/, "--host 0.0.0.0", " run"],
  fastapi: [/--host/, "--host 0.0.0.0", " dev"],
  granian: [/--host|GRANIAN_HOST/, "--host 0.0.0.0"],
  hypercorn: [/--bind|-b /, "--bind 0.0.0.0:$PORT"],
  daphne: [/-b |--bind|-e /, "-b 0.0.0.0"],
}

const ABSENT =
  /^(?:make|just|task|npm|npx|yarn|pnpm|node|docker|docker-compose|uv|poetry|pipenv|pdm|hatch|rye)$/
const MIGRATES = /manage\.py migrate|\bflask db upgrade|\balembic (?:\S+ )*upgrade/

const lastWords = (command: readonly string[]): string[] => {
  const words = wordsOf(command)
  const ends = words.map((word) => /^(?:;|&&|\|\|)$/.test(word) || word.endsWith(";"))
  return words.slice(ends.lastIndexOf(true) + 1)
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
