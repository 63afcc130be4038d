import { manifestInvalid } from "../errors.ts"
import type { ServiceFact, Settings } from "./facts.ts"
import type { Decision } from "./plan.ts"

/** Something that runs beside the tests, such as a database. Tests find it by its name. */
export interface Service {
  name: string
  image: string
  /** Arguments for the image's entrypoint, instead of its own. */
  command?: string[]
  ports: number[]
  environment: Record<string, string>
  /** A command inside of it that ends well once it can be used; that its ports answer where absent. */
  health?: string[]
  /** Variables of the tests. */
  exports: Record<string, string>
}

/** What is known of an image by its name. */
interface Preset {
  image: string
  /** Fixed by Pyline's version, as a database that moves under a project's tests breaks them. */
  version: string
  port: number
  user: string
  command?: string[]
  environment(account: Account): Record<string, string>
  health(account: Account): string[]
  /** Texts as in the `exports` setting. */
  exports: Record<string, string>
  url?: string
}

interface Account {
  user: string
  password: string
  database: string
}

// Nothing that tests write has to survive a loss of power.
const NO_SYNC = ["fsync", "synchronous_commit", "full_page_writes"].flatMap((name) => [
  "-c",
  `${name}=off`,
])

const redis = (cli: string): Pick<Preset, "port" | "user" | "environment" | "health" | "url"> => ({
  port: 6379,
  user: "default",
  environment: () => ({}),
  health: () => [cli, "-h", "127.0.0.1", "ping"],
  url: "redis://{host}:{port}/0",
})

const REDIS_EXPORTS = { REDIS_URL: "{url}", REDIS_HOST: "{host}", REDIS_PORT: "{port}" }

const MYSQL_EXPORTS = {
  DATABASE_URL: "{url}",
  MYSQL_HOST: "{host}",
  MYSQL_PORT: "{port}",
  MYSQL_USER: "{user}",
  MYSQL_PASSWORD: "{password}",
  MYSQL_DATABASE: "{database}",
}

const PRESETS: Record<NonNullable<ServiceFact["preset"]>, Preset> = {
  postgres: {
    image: "postgres",
    version: "17",
    port: 5432,
    user: "postgres",
    command: ["postgres", ...NO_SYNC],
    environment: ({ user, password, database }) => ({
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: database,
    }),
    // By TCP: while the image makes the database, it answers on its socket alone.
    health: ({ user, database }) => ["pg_isready", "-h", "127.0.0.1", "-U", user, "-d", database],
    exports: {
      DATABASE_URL: "{url}",
      PGHOST: "{host}",
      PGPORT: "{port}",
      PGUSER: "{user}",
      PGPASSWORD: "{password}",
      PGDATABASE: "{database}",
      POSTGRES_HOST: "{host}",
      POSTGRES_PORT: "{port}",
      POSTGRES_USER: "{user}",
      POSTGRES_PASSWORD: "{password}",
      POSTGRES_DB: "{database}",
    },
    url: "postgresql://{user}:{password}@{host}:{port}/{database}",
  },
  redis: { ...redis("redis-cli"), image: "redis", version: "8", exports: REDIS_EXPORTS },
  valkey: { ...redis("valkey-cli"), image: "valkey/valkey", version: "8", exports: REDIS_EXPORTS },
  mysql: {
    image: "mysql",
    version: "8.4",
    port: 3306,
    // Test suites make databases of their own, which nobody else may.
    user: "root",
    environment: ({ password, database }) => ({
      MYSQL_ROOT_PASSWORD: password,
      MYSQL_DATABASE: database,
    }),
    health: ({ password }) => [
      ...["mysqladmin", "ping", "-h", "127.0.0.1", "-u", "root", `--password=${password}`],
      "--silent",
    ],
    exports: MYSQL_EXPORTS,
    url: "mysql://{user}:{password}@{host}:{port}/{database}",
  },
  mariadb: {
    image: "mariadb",
    version: "11.8",
    port: 3306,
    user: "root",
    environment: ({ password, database }) => ({
      MARIADB_ROOT_PASSWORD: password,
      MARIADB_DATABASE: database,
    }),
    health: () => ["healthcheck.sh", "--connect", "--innodb_initialized"],
    exports: MYSQL_EXPORTS,
    url: "mysql://{user}:{password}@{host}:{port}/{database}",
  },
}

/** The services of the setting. Passwords are no secrets: what they open is gone with the tests. */
export function decideServices(settings: Settings | undefined): {
  services?: Service[]
  decision?: Decision
} {
  const facts = settings?.services ?? []
  if (settings === undefined || facts.length === 0) return {}
  const services = facts.map((fact) => serviceOf(fact, settings.file))
  refuseConflicts(facts, services, settings.file)
  return {
    services,
    decision: {
      about: "services",
      value: services.map(({ name, image }) => `${name} (${image})`).join(", "),
      file: settings.file,
      ...(facts[0]?.line === undefined ? {} : { line: facts[0].line }),
      rule: "the services setting",
      rejected: [],
    },
  }
}

function serviceOf(fact: ServiceFact, file: string): Service {
  const preset = fact.preset === undefined ? undefined : PRESETS[fact.preset]
  const image = fact.image ?? `${preset?.image}:${fact.version ?? preset?.version}`
  const ports = fact.ports ?? (preset === undefined ? [] : [preset.port])
  const account = {
    user: fact.user ?? preset?.user ?? "",
    password: fact.password ?? "test",
    database: fact.database ?? "test",
  }
  if (ports.length === 0 && fact.health === undefined) {
    const message = `services.${fact.name}: has no port and no health check, so nobody could tell when it can be used`
    throw manifestInvalid([
      { file, ...(fact.line === undefined ? {} : { line: fact.line }), message },
    ])
  }
  const health = healthOf(fact, preset?.health(account))
  const command = fact.command ?? preset?.command
  const values = { host: fact.name, port: `${ports[0] ?? ""}`, ...account }
  const url = fill(preset?.url ?? "{host}:{port}", values)
  const upper = fact.name.toUpperCase().replaceAll("-", "_")
  const exports = fact.exports ??
    preset?.exports ?? {
      [`${upper}_HOST`]: "{host}",
      ...(ports.length > 0 ? { [`${upper}_PORT`]: "{port}" } : {}),
    }
  return {
    name: fact.name,
    image,
    ...(command === undefined ? {} : { command }),
    ports,
    environment: { ...preset?.environment(account), ...fact.environment },
    ...(health === undefined ? {} : { health }),
    exports: Object.fromEntries(
      Object.entries(exports).map(([name, text]) => [name, fill(text, { ...values, url })]),
    ),
  }
}

function healthOf({ health }: ServiceFact, known: string[] | undefined): string[] | undefined {
  if (health === undefined) return known
  if (health === false) return undefined
  return typeof health === "string" ? ["/bin/sh", "-c", health] : health
}

const fill = (text: string, values: Record<string, string>): string =>
  text.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all)

/** Two services cannot both say what one variable is. */
function refuseConflicts(
  facts: readonly ServiceFact[],
  services: readonly Service[],
  file: string,
): void {
  const owners = new Map<string, string>()
  for (const [index, { name, exports }] of services.entries()) {
    for (const variable of Object.keys(exports)) {
      const owner = owners.get(variable)
      if (owner !== undefined) {
        const line = facts[index]?.line
        const message = `services.${name} and services.${owner} both set ${variable} for the tests: name their variables with exports = { … }`
        throw manifestInvalid([{ file, ...(line === undefined ? {} : { line }), message }])
      }
      owners.set(variable, name)
    }
  }
}
