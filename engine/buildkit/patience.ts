import { setTimeout as sleep } from "node:timers/promises"
import { get } from "../setup/http.ts"
import { troubleOf } from "./trouble.ts"

/** How long one request waits for a registry that limits it, all in all. */
const LONGEST_WAIT_MS = 60_000
/** BuildKit itself tries four times within seven seconds; these come after that. */
const PAUSES_MS = [1000, 4000]

export interface PatienceOptions {
  /** Removes what was downloaded of a blob, so that it is downloaded anew; false when that cannot be done. */
  drop(digest: string): boolean
  warn(text: string): void
  signal?: AbortSignal | undefined
}

/** Decides for one request whether a failure that has to do with a registry is worth another try. */
export class Patience {
  readonly #options: PatienceOptions
  #waited = 0
  #limited = 0
  #flaky = 0
  #dropped = new Set<string>()

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** Waits as long as is good; whether to try again then. */
  async allows(message: string): Promise<boolean> {
    const { drop, warn } = this.#options
    const trouble = troubleOf(message)
    switch (trouble?.kind) {
      case "limited":
        return this.#waitForLeave(trouble.host, trouble.url)
      case "flaky": {
        const pause = PAUSES_MS[this.#flaky++]
        if (pause === undefined) return false
        warn(
          `The registry${trouble.host ? ` ${trouble.host}` : ""} failed (${trouble.what}): trying again in ${pause / 1000} s.`,
        )
        return this.#sleep(pause)
      }
      case "corrupt": {
        // What arrived is kept by BuildKit as a download that is to be continued: it would fail for ever.
        const isDropped = drop(trouble.digest)
        if (!isDropped || this.#dropped.has(trouble.digest)) return false
        this.#dropped.add(trouble.digest)
        warn(`What a registry sent of ${trouble.digest} was corrupt: trying again.`)
        return true
      }
      default:
        return false
    }
  }

  /**
   * Waits until the registry has had its rest: as long as its `Retry-After` says, else longer each
   * time. BuildKit does not tell that header, and asks five times in a row: until the registry is
   * ready it is asked from here.
   */
  async #waitForLeave(host: string, url: string | undefined): Promise<boolean> {
    for (;;) {
      const probe = url
        ? await get(new URL(url), { timeout: 5000 }).catch(() => undefined)
        : undefined
      if (probe && probe.status < 400 && this.#waited > 0) return true
      const usual = 1000 * 2 ** ++this.#limited
      const wanted = probe?.status === 429 ? retryAfter(probe.headers["retry-after"]) : undefined
      // A little more than wanted: all who wait would otherwise come back at once.
      const pause = (wanted ?? usual) + 250 + Math.random() * 750
      if (this.#waited + pause > LONGEST_WAIT_MS) return false
      this.#waited += pause
      this.#options.warn(
        `The registry ${host} limits how often it may be asked (429): trying again in ${Math.ceil(pause / 1000)} s.`,
      )
      if (!(await this.#sleep(pause))) return false
      // Who may ask only with a token gets no leave here: BuildKit has to try.
      if (probe?.status !== 429) return true
    }
  }

  async #sleep(pause: number): Promise<boolean> {
    const { signal } = this.#options
    return sleep(pause, true, signal ? { signal } : {}).catch(() => false)
  }
}

/** Milliseconds of a `Retry-After` header: seconds, or a date. */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
