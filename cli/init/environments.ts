import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { parse } from "smol-toml"
import { UsageError } from "../failure.ts"

/** What `pyline init` has to know of a place that a project is released to. */
export interface Environment {
  name: string
  target: string
  registry?: string
}

/**
 * The environments of a project's settings, in the order in which a release goes through them. The pipeline reads them again,
 * and with more care: here it is only asked which secrets a CI host has to give.
 *
 * @throws UsageError for a file that is no TOML, and for a name that a CI host would not take
 */
export function environmentsOf(project: string): Environment[] {
  const own = read(path.join(project, "pyline.toml"))
  const tool = table(read(path.join(project, "pyproject.toml"))?.tool)
  const settings = own ?? table(tool?.pyline)
  const found = Object.entries(table(settings?.environments) ?? {}).map(([name, value], place) => {
    if (!/^[a-z0-9][\w.-]*$/i.test(name))
      throw new UsageError(`[tool.pyline.environments]: ${JSON.stringify(name)} is not a name`)
    const { target, registry, order } = table(value) ?? {}
    return {
      environment: {
        name,
        target: typeof target === "string" ? target : "",
        ...(typeof registry === "string" ? { registry } : {}),
      },
      order: typeof order === "number" ? order : place + 1,
    }
  })
  return found.sort((a, b) => a.order - b.order).map(({ environment }) => environment)
}

type Table = Record<string, unknown>

const table = (value: unknown): Table | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Table)
    : undefined

function read(file: string): Table | undefined {
  if (!existsSync(file)) return undefined
  try {
    return parse(readFileSync(file, "utf8"))
  } catch (error) {
    const [first] = (error as Error).message.split("\n")
    throw new UsageError(`${path.basename(file)} cannot be read: ${first}`)
  }
}
