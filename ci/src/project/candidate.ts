import type { AppFacts } from "./appFacts.ts"
import type { Plan, Start } from "./plan.ts"
import { lineCommand, programOf } from "./procfile.ts"
import { normalise } from "./requirements.ts"
import { serviceForDjango } from "./server.ts"

/** One thing that an image could start. */
export interface Candidate {
  command: string[]
  kind: Start["kind"]
  rule: string
  file?: string
  line?: number
  /** The directory that it is started in. */
  directory?: string
  /** The distribution that it needs. */
  needs?: string
  /** True where a person wrote the command. */
  explicit?: boolean
  /** True where what it starts is part of the package that is installed. */
  installed?: boolean
  /** True where it ends when it is asked to, whatever its program is called. */
  ends?: boolean
  port?: number
  health?: string
  environment?: Record<string, string>
  release?: string[]
  build?: Start["build"]
}

export function setting({ production: { asked } }: Plan): Candidate[] {
  if (asked.start === undefined) return []
  const command = typeof asked.start === "string" ? lineCommand(asked.start) : asked.start
  const kind = /^(celery|rq)$/.test(programOf(command) ?? "") ? "worker" : "web"
  return [explicit(command, "the start setting", kind, asked.file)]
}

export function procfile({ procfile: found }: AppFacts): Candidate[] {
  const processes = found?.processes.filter(({ name }) => name !== "release") ?? []
  const web = processes.find(({ name }) => name === "web")
  const process = web ?? processes.find(({ name }) => name === "worker") ?? processes[0]
  if (process === undefined) return []
  const kind = web === undefined ? "worker" : "web"
  const rule = `the ${process.name} process`
  return [explicit(lineCommand(process.command), rule, kind, found?.file, process.line)]
}

function explicit(
  command: string[],
  rule: string,
  kind: Start["kind"],
  file?: string,
  line?: number,
): Candidate {
  const needs = programOf(command)
  return {
    command,
    kind,
    rule,
    explicit: true,
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(needs === undefined ? {} : { needs }),
  }
}

/** Whether it is known where a server that the project starts itself will listen. */
export const serves = (server: AppFacts["servers"][number] | undefined): boolean =>
  typeof server?.port === "number" || server?.asks === true

/** A command of the project's own: where it starts a server it is a web process. */
function script(plan: Plan, facts: AppFacts, name: string, rule: string): Candidate {
  const [module = "", called = ""] = (plan.production.scripts[name] ?? "").split(":")
  const server = facts.servers.find(
    (one) => one.module === module && (one.function === called || one.function === ""),
  )
  const port = typeof server?.port === "number" ? { port: server.port } : {}
  return {
    command: [name],
    kind: serves(server) ? "web" : "command",
    rule,
    file: plan.production.scriptsFile ?? "pyproject.toml",
    installed: true,
    ...port,
  }
}

/** Whether the project itself is a package that the image installs. */
export const isInstalled = ({ production }: Plan): boolean => production.package !== undefined

export function named(plan: Plan, facts: AppFacts): Candidate[] {
  const own = Object.keys(plan.production.scripts).find(
    (name) => normalise(name) === normalise(plan.name),
  )
  if (own === undefined || !isInstalled(plan)) return []
  return [script(plan, facts, own, "the command that is named like the project")]
}

export function onlyScript(plan: Plan, facts: AppFacts): Candidate[] {
  const [name, ...others] = Object.keys(plan.production.scripts)
  if (name === undefined || others.length > 0 || !isInstalled(plan)) return []
  if (named(plan, facts).length > 0) return []
  return [script(plan, facts, name, "the only command that the project brings")]
}

export function django(plan: Plan, { django: found }: AppFacts): Candidate[] {
  if (found?.settings === undefined || !isThere(plan, "django")) return []
  const { command, server } = serviceForDjango(found, plan.production.distributions)
  const manage = ["python", found.root === "" ? found.manage : "manage.py"]
  const gathers = found.staticRoot !== undefined && plan.production.asked.collectstatic !== false
  return [
    {
      command,
      kind: "web",
      rule: `a Django project, with the settings ${found.settings}`,
      file: found.manage,
      directory: found.root,
      needs: server,
      release: [...manage, "migrate", "--noinput"],
      ...(gathers
        ? {
            build: {
              command: ["python", found.manage, "collectstatic", "--noinput"],
              environment: placeholders(found.environment),
            },
          }
        : {}),
    },
  ]
}

/** Gathering static files needs the settings to load and none of what they mean. */
const placeholders = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    names.map((name) => [
      name,
      name.endsWith("URL") && /DATABASE|DB/.test(name) ? "sqlite:///:memory:" : "0",
    ]),
  )

/** Whether a distribution is installed, as far as files tell: a list without a lock does not say what comes with what. */
export const isThere = ({ production }: Plan, name: string): boolean =>
  !production.complete || production.distributions.includes(name)
