import { Argument, Command, CommanderError, Option } from "commander"
import { csvField } from "../../ci/src/caller.ts"
import { UsageError } from "../failure.ts"
import { HOSTS, type Host } from "../init/host.ts"
import type { Arg, Module, Verb } from "../verbs/module.ts"
import type { Options, Request } from "./request.ts"
import { placeholder } from "./value.ts"

/**
 * Reads a command line. Verbs and their flags are those of the module; nothing of them is known here.
 *
 * @throws UsageError for what the module and the command do not have, with a suggestion where one is near
 */
export function parse(argv: string[], module: Module, version: string): Request {
  const parser = new Parser(module, version)
  return parser.parse(argv)
}

/** A verb and a command of the same name: the one of an environment, the other of the runs on this machine. */
const HISTORY = "history"

class Parser {
  readonly #module: Module
  readonly #program = new Command("pyline")
  #request: Request | undefined
  #printed = ""

  constructor(module: Module, version: string) {
    this.#module = module
    this.#configure(this.#program)
    this.#program
      .description(firstSentence(module.description))
      .usage("<verb> [flags]")
      .version(version, "-V, --version", "print the version")
      .helpOption("-h, --help", "print help for pyline or a verb")
      .helpCommand(false)
    addOptions(this.#program)
    this.#program.commandsGroup("Verbs")
    for (const verb of module.verbs) if (verb.name !== HISTORY) this.#addVerb(verb)
    this.#program.commandsGroup("Runs")
    this.#addReport()
    this.#addHistory()
    this.#program.commandsGroup("Engine")
    this.#addRun()
    this.#addEngine()
    this.#addSetup()
    this.#program.commandsGroup("CI hosts")
    this.#addInit()
    this.#program.addHelpText("after", "\nEach verb has its own help: pyline <verb> --help")
  }

  parse(argv: string[]): Request {
    try {
      const words = argv.length === 0 ? ["--help"] : this.#normalise(argv)
      this.#program.parse(words, { from: "user" })
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error
      if (error.exitCode === 0) return { kind: "text", text: this.#printed }
      throw usage(error, this.#program)
    }
    if (!this.#request)
      return { kind: "text", text: this.#printed || this.#program.helpInformation() }
    return this.#request
  }

  #configure(command: Command): Command {
    return command
      .exitOverride()
      .allowExcessArguments(false)
      .configureOutput({
        writeOut: (text) => {
          this.#printed += text
        },
        writeErr: () => {},
        getOutHelpWidth: () => Math.min(process.stdout.columns ?? 100, 110),
      })
      .configureHelp({
        showGlobalOptions: true,
        optionDescription: ({ description }) => description,
      })
  }

  #command(name: string, parent = this.#program): Command {
    return this.#configure(parent.command(name).helpOption("-h, --help", "print this help"))
  }

  #addVerb(verb: Verb): void {
    const command = this.#command(verb.name)
      .summary(firstSentence(verb.description))
      .description(verb.description)
    if (verb.deprecated !== undefined)
      command.description(`${verb.description}\nDeprecated: ${verb.deprecated}`)
    for (const arg of verb.args) addFlag(command, arg)
    const passed = passedArg(verb)
    if (passed) {
      command
        .usage("[flags] [-- <arg>…]")
        .argument("[arg...]", `the same as --${passed.flag}, one by one`)
    }
    const placed = passed ? [] : positional(verb)
    for (const { flag } of placed) command.argument(`[${flag}]`, `the same as --${flag}`)
    const exports = outputHelp(verb)
    if (exports) command.option("-o, --output <path>", exports)
    if (isObject(verb, "Changeset"))
      command.option("-y, --auto-apply", "apply the changes without asking")
    command.action((...results) => {
      const words = passed ? (results[0] as string[]) : []
      this.#checkWords(verb, words)
      const { output, autoApply } = command.opts()
      const given = collect(command, verb)
      if (passed && words.length > 0)
        given.set(passed.name, [...(given.get(passed.name) ?? []), ...words.map(csvField)])
      place(verb, placed, results, given)
      this.#request = {
        kind: "verb",
        verb,
        verbs: this.#module.verbs,
        given,
        ...(typeof output === "string" ? { output } : {}),
        apply: autoApply === true,
        options: this.#program.opts<Options>(),
      }
    })
  }

  /** Words are only taken after `--`: `pyline test unit` is more likely a slip. */
  #checkWords(verb: Verb, words: string[]): void {
    const before = this.#before
    if (words.length > 0 && before < words.length)
      throw new UsageError(
        `${verb.name}: unexpected \`${words[0]}\``,
        `arguments for the tool go behind two dashes: pyline ${verb.name} -- ${words.join(" ")}`,
      )
  }

  /** How many words follow `--`. */
  #before = 0

  #addReport(): void {
    this.#command("report")
      .summary("show the page of the last run of a project")
      .description(
        "Writes the reports of the last run of a project and says where its page is. Nothing runs again that has not changed since.",
      )
      .option("--source <path>", "the project's directory", ".")
      .option("--open", "open the page in a browser")
      .action(({ source, open }) => {
        this.#request = {
          kind: "report",
          source,
          open: open === true,
          verbs: this.#module.verbs,
          options: this.#program.opts<Options>(),
        }
      })
  }

  #addHistory(): void {
    const verb = this.#module.verbs.find(({ name }) => name === HISTORY)
    const command = this.#command(HISTORY)
      .summary(
        `compare the runs of a project: verdicts, flaky tests, tests that became slower${verb ? "; of an environment: its deployments" : ""}`,
      )
      .option("--source <path>", "the project's directory", ".")
      .option("--most <number>", "how many are listed", "20")
      .option("--json", "all that is remembered, a line of JSON for each run")
    const more = verb?.args.filter(({ flag }) => flag !== "source" && flag !== "most") ?? []
    if (verb) {
      command
        .argument(
          "[environment]",
          "of which the deployments are listed, instead of runs on this machine",
        )
        .description(
          `${command.summary()}\n\nWith an environment: ${firstSentence(verb.description)}`,
        )
    }
    // Only to list the deployments of one there has to be one.
    for (const arg of more) addFlag(command, { ...arg, optional: true })
    command.action((...results) => {
      const { source, most, json } = command.opts()
      const given = verb ? collect(command, verb) : new Map<string, string[]>()
      if (verb) place(verb, positional(verb), results, given)
      if (verb && given.size > 0) {
        given.set("source", [source])
        given.set("most", [most])
        if (json) given.set("format", ["json"])
        this.#request = {
          kind: "verb",
          verb,
          verbs: this.#module.verbs,
          given,
          apply: false,
          options: this.#program.opts<Options>(),
        }
        return
      }
      if (!/^[1-9]\d{0,5}$/.test(most))
        throw new UsageError(`--most=${most}: expected a whole number`)
      this.#request = {
        kind: "history",
        source,
        most: Number(most),
        json: json === true,
        options: this.#program.opts<Options>(),
      }
    })
  }

  #addRun(): void {
    this.#command("run")
      .summary("run a program with a session of the engine")
      .description(
        "Opens a session and runs a program with DAGGER_SESSION_PORT and DAGGER_SESSION_TOKEN set, as `dagger run` does.",
      )
      .usage("[flags] -- <command> [argument…]")
      .argument("<command...>", "the program and its arguments")
      .action((command: string[]) => {
        this.#request = { kind: "run", command, options: this.#program.opts<Options>() }
      })
  }

  #addEngine(): void {
    const engine = this.#command("engine").summary("look at, stop or clean up the embedded engine")
    engine.helpCommand(false)
    const options = () => this.#program.opts<Options>()
    for (const action of ["status", "stop"] as const) {
      const what = {
        status: "say what it is, does and holds",
        stop: "end it and everything that it runs",
      }
      this.#command(action, engine)
        .summary(what[action])
        .action(() => {
          this.#request = { kind: "engine", action, options: options() }
        })
    }
    this.#command("prune", engine)
      .summary("free disk space: what was not used lately")
      .option("-a, --all", "everything that no run uses now")
      .action(({ all }) => {
        this.#request = { kind: "engine", action: "prune", all: all === true, options: options() }
      })
    this.#command("logs", engine)
      .summary("print its log")
      .option("-f, --follow", "go on printing what is added")
      .action(({ follow }) => {
        this.#request = {
          kind: "engine",
          action: "logs",
          follow: follow === true,
          options: options(),
        }
      })
  }

  #addSetup(): void {
    this.#command("setup")
      .summary("get everything ready that runs need, base images too")
      .option("--force", "do every step again")
      .action(({ force }) => {
        this.#request = {
          kind: "setup",
          force: force === true,
          options: this.#program.opts<Options>(),
        }
      })
  }

  #addInit(): void {
    this.#command("init")
      .summary("write the file with which a CI host runs the pipeline")
      .addArgument(new Argument("<host>", "which one").choices(Object.keys(HOSTS)))
      .option(
        "--registry <name>",
        "where pushes to the main branch publish the image, such as ghcr.io/me/app",
      )
      .option("--branch <name>", "the main branch (default: the one of the remote)")
      .option(
        "--from <address@commit>",
        "where the host gets Pyline (default: where this one came from)",
      )
      .option("--force", "write the file anew where it is there already")
      .action((host: Host, { force, ...given }) => {
        this.#request = { kind: "init", host, ...given, force: force === true }
      })
  }

  /**
   * Boolean flags take their value behind `=`, as in `dagger call`, which commander does not know:
   * `--all=false` becomes `--no-all`. Also counts the words behind `--`.
   */
  #normalise(given: string[]): string[] {
    const argv = separateCommand(given)
    const end = argv.indexOf("--")
    const head = argv.slice(0, end < 0 ? argv.length : end)
    this.#before = end < 0 ? 0 : argv.length - end - 1
    const verb = this.#module.verbs.find(({ name }) => head.includes(name))
    if (verb && outputHelp(verb)) unchainExport(head)
    const booleans = new Set(
      verb?.args.filter(({ type }) => type.kind === "boolean").map(({ flag }) => flag),
    )
    const normal = head.map((word) => {
      const [, flag, value] = /^--([a-z0-9-]+)=(.*)$/s.exec(word) ?? []
      if (!flag || value === undefined || !booleans.has(flag)) return word
      if (/^(1|t|true)$/i.test(value)) return `--${flag}`
      if (/^(0|f|false)$/i.test(value)) return `--no-${flag}`
      throw new UsageError(`--${flag}=${value}: expected true or false`)
    })
    return end < 0 ? normal : [...normal, ...argv.slice(end)]
  }
}

/** `reports export --path=DIR`, as one writes it behind `dagger call`, means `reports --output=DIR`. */
function unchainExport(words: string[]): void {
  const place = words.indexOf("export")
  if (place < 0) return
  words.splice(place, 1)
  for (let i = place; i < words.length; i++)
    words[i] = (words[i] as string).replace(/^--path(?==|$)/, "--output")
}

/** `pyline run pytest -q` means `pyline run -- pytest -q`: flags behind the program are the program's. */
function separateCommand(argv: string[]): string[] {
  let place = 0
  const skipOptions = () => {
    for (; argv[place]?.startsWith("-") && argv[place] !== "--"; place++)
      if (argv[place] === "--engine" || argv[place] === "--progress") place++
  }
  skipOptions()
  if (argv[place++] !== "run") return argv
  skipOptions()
  if (place >= argv.length || argv[place] === "--") return argv
  return [...argv.slice(0, place), "--", ...argv.slice(place)]
}

function addOptions(program: Command): void {
  const choice = (flag: string, choices: string[], text: string) =>
    program.addOption(
      new Option(`--${flag} <${choices.join("|")}>`, text).choices(choices).default("auto"),
    )
  choice("engine", ["auto", "dagger", "embedded"], "which engine does the work")
  choice("progress", ["auto", "tty", "plain", "quiet"], "how progress is shown, on standard error")
  program.option("--trace", "show where errors come from", false)
}

function addFlag(command: Command, arg: Arg): void {
  const { flag, type } = arg
  if (type.kind === "boolean") {
    command.option(`--${flag}`, describe(arg))
    command.addOption(new Option(`--no-${flag}`).hideHelp(arg.default !== true))
    return
  }
  const append = (value: string, before: string[] = []) => [...before, value]
  command.addOption(new Option(`--${flag} ${placeholder(type)}`, describe(arg)).argParser(append))
}

function describe(arg: Arg): string {
  const notes: string[] = []
  if (arg.defaultPath !== undefined)
    notes.push(`default: ${arg.defaultPath === "/" ? "." : arg.defaultPath.replace(/^\//, "")}`)
  else if (
    arg.default !== undefined &&
    arg.default !== null &&
    arg.default !== false &&
    String(arg.default) !== ""
  )
    notes.push(
      `default: ${typeof arg.default === "string" ? arg.default : JSON.stringify(arg.default)}`,
    )
  if (!arg.optional) notes.push("required")
  if (arg.deprecated !== undefined) notes.push(`deprecated: ${arg.deprecated}`)
  const text = arg.description.replace(/\s+/g, " ").trim()
  return [text, notes.length > 0 ? `(${notes.join(", ")})` : ""].filter(Boolean).join(" ")
}

/** What the user gave, by name of the parameter. Flags that were not given are not there. */
function collect(command: Command, verb: Verb): Map<string, string[]> {
  const given = new Map<string, string[]>()
  const values = command.opts()
  for (const arg of verb.args) {
    // Commander's own name of an option, so that no second rule for kebab-case is needed.
    const key = new Option(`--${arg.flag} <x>`).attributeName()
    const value: unknown = values[key]
    if (Array.isArray(value)) given.set(arg.name, value)
    else if (typeof value === "boolean" && command.getOptionValueSource(key) === "cli")
      given.set(arg.name, [String(value)])
  }
  return given
}

/** Parameters that may be given by their place: what has to be given, and which environment is meant. */
function positional(verb: Verb): Arg[] {
  return verb.args.filter(
    ({ name, optional, type }) =>
      (!optional || name === "environment") &&
      (type.kind === "string" || (type.kind === "object" && type.name !== "Secret")),
  )
}

/** Takes the words of a command line as the values of parameters, in their order. */
function place(
  verb: Verb,
  placed: readonly Arg[],
  words: readonly unknown[],
  given: Map<string, string[]>,
): void {
  for (const [index, { name, flag }] of placed.entries()) {
    const word = words[index]
    if (typeof word !== "string") continue
    if (given.has(name))
      throw new UsageError(`${verb.name}: unexpected \`${word}\``, `--${flag} is given already`)
    given.set(name, [word])
  }
}

/** The list parameter that takes what follows `--`: it has to be called `args`. */
export function passedArg(verb: Verb): Arg | undefined {
  return verb.args.find(
    ({ name, type }) => name === "args" && type.kind === "list" && type.of.kind === "string",
  )
}

function isObject(verb: Verb, name: string): boolean {
  return verb.returns.kind === "object" && verb.returns.name === name
}

function outputHelp(verb: Verb): string | undefined {
  if (isObject(verb, "Directory")) return "folder to write the files to"
  if (isObject(verb, "File")) return "file to write"
  if (isObject(verb, "Container")) return "file to write the image to, as an OCI archive"
  return undefined
}

/** The first sentence of a doc comment, on one line. */
function firstSentence(text: string): string {
  const paragraph =
    text
      .split(/\n\s*\n/)[0]
      ?.replace(/\s+/g, " ")
      .trim() ?? ""
  return /^.*?[.!?](?=\s|$)/.exec(paragraph)?.[0] ?? paragraph
}

function usage(error: CommanderError, program: Command): UsageError {
  const text = error.message.replace(/^error: /, "").trim()
  const [message = "", ...more] = text.split("\n")
  const [, near] = /Did you mean (.*)\?\)/.exec(more.join(" ")) ?? []
  const place = program.args[0] && program.commands.some((c) => c.name() === program.args[0])
  const help = `pyline ${place ? `${program.args[0]} ` : ""}--help`
  return new UsageError(message, near ? `did you mean ${near}? (${help} lists all)` : help)
}
