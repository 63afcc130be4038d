import { createReadStream, existsSync, statSync } from "node:fs"
import { pipeline } from "node:stream/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { control, engineLog } from "../../engine/client.ts"
import type { EngineStatus } from "../../engine/daemon/protocol.ts"
import type { Request } from "../args/request.ts"
import { EXIT, type ExitCode } from "../exit.ts"
import { chooseReporter } from "../output/choose.ts"
import { setupReport } from "../output/setup.ts"
import { duration, size } from "../output/time.ts"
import type { Context } from "./context.ts"
import { outcome } from "./outcome.ts"

/** `pyline engine …`: the embedded engine of this user. */
export async function engine(
  request: Request & { kind: "engine" },
  context: Context,
): Promise<ExitCode> {
  switch (request.action) {
    case "status":
      context.print(describe(await control({ type: "status" })))
      return EXIT.good
    case "stop": {
      const { running } = await control({ type: "stop" })
      context.print(running ? "stopped" : "it was not running")
      return EXIT.good
    }
    case "prune": {
      const reporter = await chooseReporter(request.options.progress, process.env)
      try {
        const { bytes } = await control({ type: "prune", all: request.all }, setupReport(reporter))
        reporter.finish("good")
        context.print(`freed ${size(bytes)}`)
        return EXIT.good
      } catch (error) {
        reporter.finish(outcome(error))
        throw error
      }
    }
    case "logs":
      await Promise.race([logs(request.follow), context.interruption().promise])
      return EXIT.good
  }
}

/** The answer of `status` for people. */
export function describe(status: EngineStatus): string {
  const { buildkit, store, sessions = [] } = status
  const rows: [string, string | undefined][] = [
    [
      "engine",
      status.running ? `running (pid ${status.pid}, pyline ${status.version})` : "not running",
    ],
    ["up", status.uptime === undefined ? undefined : duration(status.uptime)],
    ["buildkit", buildkit && describeBuildkit(buildkit)],
    [
      "store",
      store &&
        `${store.bytes === undefined ? "" : `${size(store.bytes)} used, `}${size(store.free)} free on its disk`,
    ],
    ["answers", store?.answers === undefined ? undefined : `${size(store.answers)} kept on disk`],
    ["state", status.state],
    ["log", status.log],
  ]
  for (const { pid, cwd, age } of sessions)
    rows.push(["session", `pid ${pid} in ${cwd}, for ${duration(age)}`])
  return rows.flatMap(([name, text]) => (text ? [`${name.padEnd(10)}${text}`] : [])).join("\n")
}

function describeBuildkit({
  running,
  version,
  origin,
}: NonNullable<EngineStatus["buildkit"]>): string {
  const what = [version, origin && `from ${origin}`].filter(Boolean).join(" ")
  return [running ? "running" : "not running", what && `(${what})`].filter(Boolean).join(" ")
}

async function logs(follow: boolean): Promise<void> {
  const path = engineLog()
  let place = 0
  do {
    const length = existsSync(path) ? statSync(path).size : 0
    // A new log was begun.
    if (length < place) place = 0
    if (length > place) {
      await pipeline(createReadStream(path, { start: place, end: length - 1 }), process.stdout, {
        end: false,
      })
      place = length
    }
    if (follow) await sleep(200)
  } while (follow)
}
