import type { App, Django } from "./appFacts.ts"

/** A process that serves HTTP, and the distribution that has to be installed for it. */
export interface Service {
  command: string[]
  server: string
}

/** What a shell has to look into, since the port is known only when the container starts; it does not stay. */
export const shell = (line: string): string[] => ["/bin/sh", "-c", line]

/** The servers for each protocol, the usual one first. Names are those of distributions. */
const ASGI = ["uvicorn", "hypercorn", "granian", "daphne"]
const WSGI = ["gunicorn", "waitress", "granian"]

/**
 * How an application is served: by the first server that is installed, or by the one that should be.
 *
 * Names of modules and objects come out of syntax trees: they are identifiers, and no shell can take them for more.
 */
export function serviceFor(app: App, installed: readonly string[]): Service {
  const { framework, protocol, module, name, kind } = app
  const target = `${module}:${name}`
  if (framework === "sanic")
    return service(
      "sanic",
      `sanic ${target}${kind === "factory" ? " --factory" : ""} --host 0.0.0.0 --port "$PORT" --single-process`,
    )
  if (protocol === "aiohttp") return aiohttp(app, installed)
  if (protocol === "gradio")
    return service("gradio", `GRADIO_SERVER_PORT="$PORT" exec python ${app.file}`, "")
  const known = protocol === "wsgi" ? WSGI : ASGI
  const server = known.find((one) => installed.includes(one)) ?? (known[0] as string)
  return serve(server, protocol === "wsgi" ? "wsgi" : "asgi", target, kind === "factory")
}

/** How a Django project is served. */
export function serviceForDjango(
  { wsgi, asgi, asynchronous, settings }: Django,
  installed: readonly string[],
): Service {
  const module = (settings ?? "").split(".")[0]
  const has = (server: string): boolean => installed.includes(server)
  if (asgi !== undefined && (asynchronous || !WSGI.some(has))) {
    const server = ASGI.find(has)
    if (server !== undefined) return serve(server, "asgi", asgi, false)
  }
  const server = WSGI.find(has) ?? "gunicorn"
  return serve(server, "wsgi", wsgi ?? `${module}.wsgi:application`, false)
}

function serve(
  server: string,
  protocol: "asgi" | "wsgi",
  target: string,
  factory: boolean,
): Service {
  const call = factory ? `${target}()` : target
  const flag = factory ? " --factory" : ""
  switch (server) {
    case "gunicorn":
      // It listens on 0.0.0.0:$PORT by itself.
      return { server, command: ["gunicorn", call] }
    case "hypercorn":
      return service(server, `hypercorn --bind "0.0.0.0:$PORT" '${call}'`)
    case "granian":
      return service(
        server,
        `granian --interface ${protocol}${flag} --host 0.0.0.0 --port "$PORT" ${target}`,
      )
    case "daphne":
      return service(server, `daphne -b 0.0.0.0 -p "$PORT" ${target}`)
    case "waitress":
      return service(
        server,
        `waitress-serve --listen "0.0.0.0:$PORT"${factory ? " --call" : ""} ${target}`,
      )
    default:
      return service(server, `uvicorn${flag} --host 0.0.0.0 --port "$PORT" ${target}`)
  }
}

const service = (server: string, line: string, prefix = "exec "): Service => ({
  server,
  command: shell(`${prefix}${line}`),
})

/** aiohttp brings a server of its own; gunicorn restarts it where it is there. */
function aiohttp(app: App, installed: readonly string[]): Service {
  const { module, name, kind } = app
  if (installed.includes("gunicorn")) {
    const target = `${module}:${name}${kind === "factory" && app.async !== true ? "()" : ""}`
    return {
      server: "gunicorn",
      command: ["gunicorn", "--worker-class", "aiohttp.GunicornWebWorker", target],
    }
  }
  const made = kind === "factory" ? `${name}()` : name
  const code = [
    "import os",
    "from aiohttp import web",
    `from ${module} import ${name}`,
    `web.run_app(${made}, port=int(os.environ["PORT"]))`,
  ]
  return { server: "aiohttp", command: ["python", "-c", code.join("; ")] }
}
