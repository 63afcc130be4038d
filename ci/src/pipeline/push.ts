import { setTimeout as sleep } from "node:timers/promises"
import type { Container } from "@dagger.io/dagger"
import { notice } from "../caller.ts"
import { internal, registryFailed } from "../errors.ts"
import { hostOf } from "../project/imageName.ts"
import { LAYERS } from "./image.ts"
import { type Login, loggedIn, registry } from "./registry.ts"
import { pythonImage } from "./toolbox.ts"

/**
 * The tag that an image is uploaded under: engines upload under no digest alone. It means nothing, and is taken away again
 * where the registry lets us. The image is spoken of by its digest, until it gets its own tags as the last thing.
 */
const UPLOAD = "pyline-upload"

/** Engines try a request again a few times within seconds. A registry that is restarted takes longer. */
const PAUSES_MS = [3_000, 10_000]

/**
 * Uploads an image; of several platforms as one. Gives its digest, which is the same for the same files, version of Python and
 * commit: engines write into an image when they made it, and that is taken out of what they have uploaded.
 *
 * @param python what its lower layers are an image of
 * @throws REGISTRY_REFUSED, REGISTRY_FAILED
 */
export async function pushed(
  variants: readonly Container[],
  name: string,
  python: string,
  login: Login | undefined,
): Promise<string> {
  const uploaded = await uploadedBy(variants, name, login)
  const args = ["--upload-tag", UPLOAD, "--base", pythonImage(python)]
  const { digest } = await registry<{ digest: string }>(
    ["settle", `${name}@${uploaded}`, ...args, ...LAYERS.flatMap((layer) => ["--layer", layer])],
    { login },
  )
  return digest
}

/** What the engine has uploaded. */
async function uploadedBy(
  variants: readonly Container[],
  name: string,
  login: Login | undefined,
): Promise<string> {
  const [first, ...others] = variants
  if (first === undefined) throw new RangeError("no image to push")
  const image = loggedIn(first, hostOf(name), login)
  for (let attempt = 0; ; attempt++) {
    try {
      const ref = await image.publish(`${name}:${UPLOAD}`, { platformVariants: others })
      const [, digest] = /@(sha256:[0-9a-f]{64})$/.exec(ref) ?? []
      if (digest !== undefined) return digest
      throw internal(`the engine gave no digest: ${ref}`, [])
    } catch (error) {
      const failure = explainPush(error)
      const pause = PAUSES_MS[attempt]
      const isNew = failure?.kind === "broken" && !GIVEN_UP.test(failure.message)
      if (!isNew || pause === undefined) {
        throw failure === undefined ? error : registryFailed(failure.kind, failure.message)
      }
      notice(`the upload to ${name} broke off: trying again in ${pause / 1000} s`)
      await sleep(pause)
    }
  }
}

const REFUSED =
  /\b(401|403)\b|unauthorized|authentication required|denied|insufficient_scope|forbidden/i
const LIMITED = /\b429\b|too many requests|toomanyrequests/i
const UNREACHABLE =
  /no such host|cannot be resolved|certificate|x509|server gave HTTP response to HTTPS/i
/** The engine has been patient itself. */
const GIVEN_UP = /failed again and again/
const BROKEN =
  /\b50[0234]\b|connection re(?:set|fused)|broken pipe|\beof\b|timed? ?out|cannot be reached|failed again and again/i

/** What a registry has done to an upload, by what engines say of it. */
export function explainPush(
  error: unknown,
): { kind: "refused" | "limited" | "unreachable" | "broken"; message: string } | undefined {
  if (!(error instanceof Error) || error.name === "ExecError") return undefined
  const text = error.message.replace(/ ?\[traceparent:[^\]]*\]/, "")
  const message = text.split("\n").find((line) => line.trim() !== "") ?? ""
  if (!/push|registry|upload|http/i.test(text)) return undefined
  if (REFUSED.test(text)) return { kind: "refused", message }
  if (LIMITED.test(text)) return { kind: "limited", message }
  if (UNREACHABLE.test(text)) return { kind: "unreachable", message }
  return BROKEN.test(text) ? { kind: "broken", message } : undefined
}
