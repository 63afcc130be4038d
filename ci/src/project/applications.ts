import type { App, AppFacts, Place } from "./appFacts.ts"
import { type Candidate, isInstalled, isThere, serves } from "./candidate.ts"
import type { Plan } from "./plan.ts"
import { normalise } from "./requirements.ts"
import { serviceFor, shell } from "./server.ts"

const NAMES = ["app", "application", "api", "server", "asgi", "wsgi", "demo"]
const FILES = ["main.py", "app.py", "asgi.py", "wsgi.py", "server.py", "api.py", "__init__.py"]

/** How far from the usual an application is: what is nearest is meant. */
function distance({ kind, name, file }: App): number[] {
  const at = (list: readonly string[], value: string): number =>
    list.includes(value) ? list.indexOf(value) : list.length
  const [base = "", ...directories] = file.split("/").reverse()
  const entry = /^(asgi|wsgi)\.py$/.test(base) ? 0 : 1
  const depth = directories.filter((directory) => directory !== "src").length
  return [kind === "object" ? 0 : 1, entry, depth, at(NAMES, name), at(FILES, base)]
}

const compare = (a: readonly number[], b: readonly number[]): number => {
  const at = a.findIndex((value, index) => value !== b[index])
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number)
}

/** The nearest of these, and those that are as near. */
function nearest<T>(list: readonly T[], measure: (item: T) => number[]): T[] {
  const sorted = [...list].sort((a, b) => compare(measure(a), measure(b)))
  const [first] = sorted
  if (first === undefined) return []
  return sorted.filter((item) => compare(measure(item), measure(first)) === 0)
}

const SAFE_MODULE = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/
const SAFE_FILE = /^[\w./-]+$/

export function web(plan: Plan, facts: AppFacts): Candidate[] {
  const { distributions } = plan.production
  const apps = facts.apps.filter(
    ({ framework, protocol, module, name, file }) =>
      protocol !== "celery" &&
      isThere(plan, framework) &&
      SAFE_MODULE.test(module) &&
      SAFE_MODULE.test(name) &&
      SAFE_FILE.test(file),
  )
  return nearest(apps, distance).map((app) => {
    const { command, server } = serviceFor(app, distributions)
    return {
      command,
      kind: "web",
      rule: `${titled(app.framework)} application ${app.kind === "factory" ? `made by ${app.name}()` : app.name}`,
      ...startedAt(plan, app),
      needs: server,
      ...(app.protocol === "aiohttp" ? { ends: true } : {}),
      ...(app.protocol === "gradio" ? { environment: { GRADIO_SERVER_NAME: "0.0.0.0" } } : {}),
    }
  })
}

const TITLES: Record<string, string> = {
  fastapi: "a FastAPI",
  flask: "a Flask",
  starlette: "a Starlette",
  litestar: "a Litestar",
  aiohttp: "an aiohttp",
  gradio: "a Gradio",
}

const titled = (framework: string): string => TITLES[framework] ?? `a ${framework}`

/** Where it stands, where it is started, and whether the package that is installed has it. */
function startedAt(plan: Plan, { file, line, root, module }: Place): Partial<Candidate> {
  const top = module.split(".")[0] ?? ""
  const own = top === (normalise(plan.name) ?? "").replaceAll("-", "_")
  const installed = isInstalled(plan) && (root === "src" || (root === "" && own))
  return { file, line, installed, ...(root !== "" && root !== "src" ? { directory: root } : {}) }
}

export function pages(plan: Plan, facts: AppFacts): Candidate[] {
  if (!isThere(plan, "streamlit")) return []
  const names = ["streamlit_app.py", "app.py", "main.py", "Home.py"]
  const measure = ({ file }: Place): number[] => {
    const [base = "", ...directories] = file.split("/").reverse()
    return [directories.length, names.includes(base) ? names.indexOf(base) : names.length]
  }
  const flags = [
    '--server.port "$PORT" --server.address 0.0.0.0 --server.headless true',
    "--server.fileWatcherType none --browser.gatherUsageStats false",
  ]
  const found = facts.pages.filter(({ file }) => SAFE_FILE.test(file))
  return nearest(found, measure).map(({ file, line }) => ({
    command: shell(`exec streamlit run ${flags.join(" ")} ${file}`),
    kind: "web",
    rule: "a Streamlit page",
    file,
    line,
    needs: "streamlit",
    health: "/_stcore/health",
  }))
}

export function workers(plan: Plan, facts: AppFacts): Candidate[] {
  const apps = facts.apps.filter(
    ({ framework, module, name }) =>
      framework === "celery" && SAFE_MODULE.test(module) && SAFE_MODULE.test(name),
  )
  const celery = nearest(
    apps.filter(({ kind }) => kind === "object"),
    distance,
  ).map(
    (app): Candidate => ({
      command: ["celery", "--app", `${app.module}:${app.name}`, "worker", "--loglevel", "INFO"],
      kind: "worker",
      rule: `a Celery application ${app.name}`,
      ...startedAt(plan, app),
      needs: "celery",
    }),
  )
  const { queues } = facts
  if (celery.length > 0 || queues === undefined || !isThere(plan, "rq")) return celery
  return [
    {
      command: shell(
        `exec rq worker --url "\${REDIS_URL:-redis://localhost:6379/0}" ${queues.names.join(" ")}`,
      ),
      kind: "worker",
      rule: "work is given to queues of RQ",
      ...startedAt(plan, queues),
    },
  ]
}

export function mains(plan: Plan, facts: AppFacts): Candidate[] {
  const own = (normalise(plan.name) ?? "").replaceAll("-", "_")
  const names = ["__main__.py", "main.py", "app.py", "run.py", "server.py", "bot.py"]
  const measure = ({ file, kind }: Place & { kind: string }): number[] => {
    const [base = "", ...directories] = file.split("/").reverse()
    const known = names.includes(base) ? names.indexOf(base) : names.length
    if (kind === "module" && directories[0] === own) return [0, 0, 0]
    return [1, directories.length, known]
  }
  const found = facts.mains.filter(
    ({ file, kind }) =>
      SAFE_FILE.test(file) &&
      file !== facts.django?.manage &&
      (kind === "module" || !file.includes("/")),
  )
  return nearest(found, measure).map((main) => {
    const server = facts.servers.find((one) => one.file === main.file)
    const module = main.kind === "module" && main.module !== ""
    return {
      command: module ? ["python", "-m", main.module] : ["python", main.file],
      kind: serves(server) ? "web" : "command",
      rule: module ? "the package's own __main__" : "a script that is meant to be run",
      ...startedAt(plan, main),
      ...(module ? {} : { installed: false }),
      ...(typeof server?.port === "number" ? { port: server.port } : {}),
    }
  })
}
