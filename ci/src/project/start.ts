import type { AppFacts } from "./appFacts.ts"
import { mains, pages, web, workers } from "./applications.ts"
import { type Candidate, django, named, onlyScript, procfile, setting } from "./candidate.ts"
import type { Decision, Plan, Start, StartProblem } from "./plan.ts"
import { doubtsOf, lineCommand, portIn, programOf, shown } from "./procfile.ts"

/** Where a web process listens unless something says otherwise. */
const PORT = 8000

export interface StartChoice {
  start?: Start
  problem?: StartProblem
  decisions: Decision[]
  warnings: string[]
}

/** Programs that end when they are asked to, also as the first process of a container. */
const ENDS = new Set([
  ...[
    "gunicorn",
    "uvicorn",
    "hypercorn",
    "daphne",
    "granian",
    "waitress",
    "celery",
    "rq",
    "streamlit",
  ],
])

/** What an image of the project starts; nothing, where nothing is found that could be. */
export function decideStart(plan: Plan, facts: AppFacts): StartChoice {
  const groups = [
    setting(plan),
    procfile(facts),
    named(plan, facts),
    django(plan, facts),
    web(plan, facts),
    pages(plan, facts),
    onlyScript(plan, facts),
    workers(plan, facts),
    mains(plan, facts),
  ].filter((group) => group.length > 0)
  const [first, ...others] = groups
  const candidate = first?.[0]
  if (first === undefined || candidate === undefined) return { decisions: [], warnings: [] }
  const rejected = others.flat().slice(0, 5)
  const equal = first.slice(1)
  if (equal.length > 0) {
    const all = first.map(({ command, file = "", line = 0 }) => ({
      command: shown(command),
      file,
      line,
    }))
    return {
      problem: { kind: "ambiguous", candidates: all },
      decisions: [],
      warnings: [
        `no image can be made yet: ${all.map(({ file }) => file).join(" and ")} could all be started`,
      ],
    }
  }
  return chosen(plan, facts, { ...preparedBy(plan, facts), ...candidate }, rejected)
}

/** What a Django project does beside being served, whoever says how it is served. */
function preparedBy(plan: Plan, facts: AppFacts): Partial<Candidate> {
  const [found] = django(plan, facts)
  if (found === undefined) return {}
  const manage = ["python", facts.django?.manage ?? "manage.py"]
  const { release, build } = found
  return {
    ...(release === undefined ? {} : { release: [...manage, ...release.slice(2)] }),
    ...(build === undefined ? {} : { build }),
  }
}

function chosen(
  plan: Plan,
  facts: AppFacts,
  candidate: Candidate,
  rejected: readonly Candidate[],
): StartChoice {
  const { asked } = plan.production
  const release = releaseOf(plan, facts, candidate)
  const port =
    candidate.kind === "web"
      ? (asked.port ?? candidate.port ?? portIn(candidate.command) ?? PORT)
      : asked.port
  const web = candidate.kind === "web" || asked.port !== undefined
  const health = asked.health ?? candidate.health ?? facts.health
  const processes = Object.fromEntries(
    [...(facts.procfile?.processes ?? [])]
      .filter(({ name }) => name !== "web" && name !== "release")
      .map(({ name, command }) => [name, lineCommand(command)]),
  )
  const worker = workers(plan, facts)[0]
  if (facts.procfile === undefined && candidate.kind === "web" && worker !== undefined)
    processes.worker = worker.command
  const start: Start = {
    command: candidate.command,
    kind: web ? "web" : candidate.kind,
    init: candidate.ends !== true && !ENDS.has(programOf(candidate.command) ?? ""),
    ...(port === undefined ? {} : { port }),
    ...(web ? { health: { path: health ?? "/", strict: asked.health !== undefined } } : {}),
    ...(candidate.directory ? { directory: candidate.directory } : {}),
    ...(release === undefined ? {} : { release: release.command }),
    ...(candidate.environment === undefined ? {} : { environment: candidate.environment }),
    ...(candidate.build === undefined ? {} : { build: candidate.build }),
    ...(Object.keys(processes).length > 0 ? { processes } : {}),
    copied: candidate.installed !== true,
  }
  const missing = missingServer(plan, candidate)
  const problem: StartProblem | undefined =
    missing === undefined
      ? undefined
      : {
          kind: "server",
          server: missing,
          command: shown(candidate.command),
          ...whereToAdd(plan, missing),
        }
  return {
    start,
    ...(problem === undefined ? {} : { problem }),
    decisions: [
      {
        about: "start command",
        value: shown(candidate.command),
        ...placeOf(candidate),
        rule: candidate.rule,
        rejected: rejected.map((other) => ({
          value: shown(other.command),
          ...(other.file === undefined ? {} : { file: other.file }),
          why: `${candidate.rule} comes first`,
        })),
      },
      ...(release === undefined ? [] : [release.decision]),
    ],
    warnings: [
      ...(problem?.kind === "server"
        ? [`no image can be made yet: ${problem.found} (${problem.fix})`]
        : []),
      ...doubtsOf(candidate.command),
    ],
  }
}

const placeOf = ({ file, line }: Candidate): { file?: string; line?: number } => ({
  ...(file === undefined ? {} : { file }),
  ...(line === undefined ? {} : { line }),
})

/** The distribution that the command needs and no file asks for. Of a list without a lock a person knows more. */
function missingServer({ production }: Plan, { needs, explicit }: Candidate): string | undefined {
  if (needs === undefined || production.distributions.includes(needs)) return undefined
  return explicit && !production.complete ? undefined : needs
}

/** Where a distribution has to be added, and how. */
function whereToAdd(plan: Plan, name: string): { found: string; fix: string } {
  const file = plan.decisions.find(({ about }) => about === "package manager")?.file
  const commands: Partial<Record<Plan["manager"], string>> = {
    uv: `uv add ${name}`,
    poetry: `poetry add ${name}`,
    pdm: `pdm add ${name}`,
    pipenv: `pipenv install ${name}`,
  }
  const found = `${name} is not among what ${file ?? "the project"} installs`
  const list = file?.endsWith(".txt") || file?.endsWith(".in")
  const fix =
    commands[plan.manager] ??
    (list
      ? `add a line ${name} to ${file}`
      : plan.manager === "pylock"
        ? `add ${name} to the dependencies in pyproject.toml, and lock them again`
        : `add "${name}" to the dependencies in ${file ?? "a requirements.txt"}`)
  return { found, fix }
}

function releaseOf(
  { production: { asked } }: Plan,
  facts: AppFacts,
  candidate: Candidate,
): { command: string[]; decision: Decision } | undefined {
  const made = (command: string[], rule: string, file?: string, line?: number) => ({
    command,
    decision: {
      about: "release command" as const,
      value: shown(command),
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      rule: `${rule}; it is run once before a new version is started, and never by the container itself`,
      rejected: [],
    },
  })
  if (asked.release !== undefined) {
    const { release } = asked
    const command = typeof release === "string" ? lineCommand(release) : release
    return made(command, "the release setting", asked.file)
  }
  const process = facts.procfile?.processes.find(({ name }) => name === "release")
  if (process !== undefined)
    return made(
      lineCommand(process.command),
      "the release process",
      facts.procfile?.file,
      process.line,
    )
  if (candidate.release === undefined) return undefined
  return made(candidate.release, "Django's migrations", facts.django?.manage)
}
