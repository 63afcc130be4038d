import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { Readable, Writable } from "node:stream"
import { aptInstall, mayInstall } from "../../engine/setup/apt.ts"
import { which } from "../../engine/setup/which.ts"
import { remove } from "../remove.ts"
import { Page } from "./page.ts"

/** Path of Chromium, which is installed where that may be done; or why there is none. */
export async function findChromium(): Promise<{ path: string } | { missing: string }> {
  const names = ["chromium", "chromium-browser", "google-chrome"]
  const find = () => names.map((name) => which(name)).find((found) => found !== undefined)
  const found = find()
  if (found !== undefined) return { path: found }
  if (!mayInstall()) return { missing: "there is no chromium, and it may not be installed" }
  try {
    await aptInstall(["chromium"], () => {})
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
  const installed = find()
  return installed === undefined ? { missing: "no chromium after apt" } : { path: installed }
}

type Answer = { resolve(result: unknown): void; reject(error: Error): void }
type Listener = (method: string, params: never) => void

/** A headless Chromium that is spoken to over two pipes, so that no port is open and no package needed. */
export class Chromium {
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #input: Writable
  readonly #answers = new Map<number, Answer>()
  readonly #listeners = new Map<string, Listener>()
  #last = 0
  #rest = ""

  private constructor(child: ChildProcess, profile: string) {
    this.#child = child
    this.#profile = profile
    this.#input = child.stdio[3] as Writable
    const output = child.stdio[4] as Readable
    output.setEncoding("utf8")
    output.on("data", (text: string) => {
      const messages = (this.#rest + text).split("\0")
      this.#rest = messages.pop() ?? ""
      for (const message of messages) this.#receive(JSON.parse(message))
    })
    child.on("exit", () => {
      for (const { reject } of this.#answers.values()) reject(new Error("chromium has ended"))
    })
  }

  static start(program: string): Chromium {
    const profile = mkdtempSync(path.join(tmpdir(), "pyline-chromium-"))
    const args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    args.push("--remote-debugging-pipe", `--user-data-dir=${profile}`, "--no-first-run")
    args.push("--disable-background-networking", "--disable-component-update")
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] })
    return new Chromium(child, profile)
  }

  /** Asks the browser, or with a session one of its pages. */
  send<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = ++this.#last
    const session = sessionId === undefined ? {} : { sessionId }
    return new Promise<T>((resolve, reject) => {
      this.#answers.set(id, { resolve: resolve as Answer["resolve"], reject })
      this.#input.write(`${JSON.stringify({ id, method, params, ...session })}\0`)
    })
  }

  /** A new empty page of its own. */
  async page(): Promise<Page> {
    const { targetId } = await this.send<{ targetId: string }>("Target.createTarget", {
      url: "about:blank",
    })
    const { sessionId } = await this.send<{ sessionId: string }>("Target.attachToTarget", {
      targetId,
      flatten: true,
    })
    const page = new Page(
      (method, params) => this.send(method, params, sessionId),
      () => this.send("Target.closeTarget", { targetId }),
    )
    this.#listeners.set(sessionId, (method, params) => page.hear(method, params))
    await page.prepare()
    return page
  }

  async close(): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, "exit") : undefined
    this.#child.kill("SIGKILL")
    await ended
    await remove(this.#profile)
  }

  #receive(message: {
    id?: number
    result?: unknown
    error?: { message: string }
    method?: string
    params?: unknown
    sessionId?: string
  }): void {
    if (message.id === undefined) {
      if (message.method !== undefined)
        this.#listeners.get(message.sessionId ?? "")?.(message.method, message.params as never)
      return
    }
    const answer = this.#answers.get(message.id)
    this.#answers.delete(message.id)
    if (message.error) answer?.reject(new Error(message.error.message))
    else answer?.resolve(message.result)
  }
}
