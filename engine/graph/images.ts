import { createHash } from "node:crypto"
import type { Bridge } from "../buildkit/bridge.ts"
import { inPlainWords, troubleOf } from "../buildkit/trouble.ts"
import { ociLayout, registryImage } from "../llb/source.ts"
import { defaultPlatform, type Fs } from "../llb/vertex.ts"
import { type EngineConfig, lookupImage, otherTags } from "../setup/config.ts"
import { normaliseReference } from "../setup/reference.ts"
import type { Memo } from "../store/memo.ts"
import { EngineError } from "./errors.ts"
import { type ImageConfig, readLayoutConfig } from "./image.ts"
import { checkReference } from "./reference.ts"

export interface ResolvedImage {
  fs: Fs
  config: ImageConfig
  /** `name@sha256:…` */
  ref: string
}

interface Remembered {
  digest: string
  config: ImageConfig
  at: number
}

/** How long a tag is taken to mean the same digest without asking the registry again. */
const TAG_LIFETIME_MS = 24 * 3600 * 1000

/** Finds base images: substitutes of this machine first, then registries. */
export class Images {
  readonly #bridge: () => Promise<Bridge>
  readonly #config: () => EngineConfig
  readonly #memo: Memo
  readonly #forgotten = new Map<string, number>()
  readonly #asked = new Map<string, Promise<Remembered>>()

  constructor(bridge: () => Promise<Bridge>, config: () => EngineConfig, memo: Memo) {
    this.#bridge = bridge
    this.#config = config
    this.#memo = memo
  }

  async resolve(
    address: string,
    platform: string,
    auth: Record<string, { username: string; password: string }>,
    signal?: AbortSignal,
  ): Promise<ResolvedImage> {
    checkReference(address)
    const substitute = lookupImage(this.#config(), address)
    if (substitute && "ociLayout" in substitute && platform === defaultPlatform) {
      const { ociLayout: dir, digest } = substitute
      return {
        fs: ociLayout(dir, digest, address),
        config: readLayoutConfig(dir, digest),
        ref: `${normaliseReference(address).split("@")[0]}@${digest}`,
      }
    }
    const isRef = substitute && "ref" in substitute
    const ref = normaliseReference(isRef ? substitute.ref : address)
    const question = `${ref} ${platform}`
    // One question for all that ask at once: a matrix must not run into a registry's rate limit.
    let asked = this.#asked.get(question)
    if (!asked) {
      asked = this.#ask(ref, platform, auth).finally(() => this.#asked.delete(question))
      this.#asked.set(question, asked)
    }
    const { digest, config } = await (signal ? unlessAborted(asked, signal) : asked)
    const name = ref.split("@")[0] as string
    return { fs: registryImage(name, digest, platform, auth), config, ref: `${name}@${digest}` }
  }

  /** What the tag stands for has changed: the next session asks the registry. */
  forget(address: string): void {
    const ref = normaliseReference(address)
    this.#forgotten.set(ref, Date.now())
  }

  async #ask(
    ref: string,
    platform: string,
    registryAuth: Record<string, { username: string; password: string }>,
  ): Promise<Remembered> {
    const key = createHash("sha256").update(`image ${ref} ${platform}`).digest("hex")
    const known = this.#memo.get(key)
    const remembered = known && "answer" in known ? (known.answer as Remembered) : undefined
    const pinned = ref.includes("@sha256:")
    const since = Math.max(Date.now() - TAG_LIFETIME_MS, this.#forgotten.get(ref) ?? 0)
    if (remembered && (pinned || remembered.at > since)) return remembered
    try {
      const bridge = await this.#bridge()
      const { digest, config } = await bridge.resolveImage({ ref, platform, registryAuth })
      const image = JSON.parse(Buffer.from(config, "base64").toString()) as { config?: ImageConfig }
      const answer: Remembered = { digest, config: image.config ?? {}, at: Date.now() }
      this.#memo.set(key, { answer })
      return answer
    } catch (error) {
      // The registry is gone, but what the tag meant is known and its layers may be here.
      if (remembered) return remembered
      const { message } = error as Error
      const words = `image ${ref}: ${inPlainWords(message) ?? message}`
      const kind = troubleOf(message)?.kind
      const others =
        kind === "unknown-host" || kind === "unreachable" ? otherTags(this.#config(), ref) : []
      throw new EngineError(
        others.length === 0
          ? words
          : `${words}\nWithout a registry this engine has only ${others.join(" and ")}: take one of these, or give it a mirror (registries in engine.json)`,
        { cause: error },
      )
    }
  }
}

/** Others may wait for the same answer, so the question goes on: who is gone does not wait for it. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {})
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener("abort", abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort))
  })
}
