import { manifestInvalid } from "../errors.ts"
import type { EnvironmentFact, Facts } from "./facts.ts"
import type { Decision } from "./plan.ts"
import { lineCommand } from "./procfile.ts"

/** Where the application runs, with every default filled in that does not depend on the image. */
export interface Environment
  extends Omit<
    EnvironmentFact,
    "validateCommand" | "deployCommand" | "runningCommand" | "migrateCommand"
  > {
  /** What its containers are called after. */
  app: string
  healthTimeout: number
  timeout: number
  keep: number
  drain: number
  release: boolean
  manual: boolean
  order: number
  validateCommand?: string[]
  deployCommand?: string[]
  runningCommand?: string[]
  migrateCommand?: string[]
}

const COMMANDS = ["validateCommand", "deployCommand", "runningCommand", "migrateCommand"] as const

/** The environments of the settings, in the order that an image goes through them. */
export function decideEnvironments(
  { settings }: Facts,
  name: string | undefined,
): { environments?: Environment[]; decision?: Decision } {
  const facts = settings?.environments ?? []
  if (settings === undefined || facts.length === 0) return {}
  const { file } = settings
  const app = appName(name)
  const environments = facts
    .map((fact, place) => environmentOf(fact, app, fact.order ?? place + 1, settings.health))
    .sort((one, other) => one.order - other.order)
  for (const [place, { name: own, order, line }] of environments.entries()) {
    const before = environments[place - 1]
    if (before?.order === order)
      throw manifestInvalid([
        {
          file,
          ...(line === undefined ? {} : { line }),
          message: `environments.${own}: has the order ${order}, and so has ${before.name}: which of them is promoted to the other?`,
        },
      ])
  }
  return {
    environments,
    decision: {
      about: "environments",
      value: environments.map(({ name: own, target }) => `${own} (${target})`).join(" -> "),
      file,
      ...(facts[0]?.line === undefined ? {} : { line: facts[0].line }),
      rule: "the environments setting; an image is deployed to the first and promoted to the next",
      rejected: [],
    },
  }
}

function environmentOf(
  fact: EnvironmentFact,
  app: string,
  order: number,
  health: string | undefined,
): Environment {
  const { validateCommand, deployCommand, runningCommand, migrateCommand, ...rest } = fact
  const given = { validateCommand, deployCommand, runningCommand, migrateCommand }
  const commands = COMMANDS.flatMap((key) => {
    const command = given[key]
    if (command === undefined) return []
    return [[key, typeof command === "string" ? lineCommand(command) : command] as const]
  })
  const asked = fact.health ?? health
  return {
    ...rest,
    app,
    order,
    ...(asked === undefined ? {} : { health: asked }),
    healthTimeout: fact.healthTimeout ?? 60,
    timeout: fact.timeout ?? 900,
    keep: fact.keep ?? 3,
    drain: fact.drain ?? 10,
    release: fact.release ?? false,
    manual: fact.manual ?? false,
    ...Object.fromEntries(commands),
  }
}

/** A name that containers, networks and labels can have. */
export function appName(name: string | undefined): string {
  const text = (name ?? "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
  return text.slice(0, 40).replace(/-+$/, "") || "app"
}
