import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { type Client, type Container, connect } from "@dagger.io/dagger"
import { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest"
import { OwnEngine } from "./servers/engine.ts"

/** A Debian with a shell and Python, which each engine knows how to get. */
export const BASE = "python:3.11-slim"

/** An engine that speaks Dagger's API, whichever it is. */
export interface TestEngine {
  readonly name: "embedded" | "dagger"
  /** Runs `work` in a session of its own. */
  session<T>(work: (client: Client) => Promise<T>): Promise<T>
  /** The most memory that the engine's own process ever had, in bytes; where that can be known. */
  peak?(): Promise<number>
}

export interface Bench {
  engine: TestEngine
  /** A new, empty folder of this machine. */
  dir: string
  /** A word that no engine has seen: what has it in its key was never run. */
  nonce: string
  /** The base image, in which no step was ever run. */
  fresh(client: Client): Container
}

const embedded = async (): Promise<[TestEngine, () => Promise<void>]> => {
  const own = await OwnEngine.create()
  const engine: TestEngine = {
    name: "embedded",
    session: (work) =>
      own.session(work, {
        cwd: realpathSync(tmpdir()),
        resolveSecret: (uri) => {
          const value = process.env[uri.replace(/^env:\/\//, "")]
          return value === undefined
            ? Promise.reject(new Error(`secret env var not found: ${uri}`))
            : Promise.resolve(Buffer.from(value))
        },
      }),
    async peak() {
      const { pid } = (await own.status()) as { pid: number }
      const [, kilobytes] =
        /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
      return Number(kilobytes) * 1024
    },
  }
  return [engine, () => own.remove()]
}

/** Dagger's SDK finds its own engine: DAGGER_SESSION_PORT, _EXPERIMENTAL_DAGGER_CLI_BIN, or a download. */
const dagger = async (): Promise<[TestEngine, () => Promise<void>]> => {
  const engine: TestEngine = {
    name: "dagger",
    async session(work) {
      let result: Awaited<ReturnType<typeof work>> | undefined
      await connect(async (client) => {
        result = await work(client)
      })
      return result as Awaited<ReturnType<typeof work>>
    },
  }
  return [engine, async () => {}]
}

/**
 * The same tests for each engine: the embedded one, and with `PYLINE_ENGINE=dagger` Dagger's, so that
 * what is expected of ours is what the other does.
 */
export function describeEngines(what: string, body: (bench: Bench) => void): void {
  const name = process.env.PYLINE_ENGINE === "dagger" ? "dagger" : "embedded"
  describe(`${what} (${name})`, () => {
    const bench = {} as Bench
    let end = async () => {}
    beforeAll(async () => {
      const [engine, stop] = await (name === "dagger" ? dagger() : embedded())
      bench.engine = engine
      end = stop
    })
    afterAll(() => end())
    beforeEach(() => {
      bench.dir = realpathSync(mkdtempSync(path.join(tmpdir(), "pyline-contract-")))
      bench.nonce = path.basename(bench.dir)
      const { nonce } = bench
      bench.fresh = (client) => client.container().from(BASE).withEnvVariable("NONCE", nonce)
    })
    afterEach(() => rmSync(bench.dir, { recursive: true, force: true }))
    body(bench)
  })
}

/** Prints a word that no other run prints: the same word twice is one run. */
export const WORD = "head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \\n'"

export const sh = (
  c: Container,
  script: string,
  opts?: Parameters<Container["withExec"]>[1],
): Container => c.withExec(["sh", "-c", script], opts)
