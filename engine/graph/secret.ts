import { createHmac, randomUUID } from "node:crypto"
import type { Secret } from "./values.ts"

/** A secret with a plain value: its name alone stands for it in keys, as with Dagger. */
export function setSecret(name: string, plaintext: string): Secret {
  return {
    kind: "Secret",
    id: `set:${name}`,
    name,
    uri: "",
    version: randomUUID(),
    plaintext: async () => Buffer.from(plaintext),
  }
}

/**
 * A secret from a provider (`env://NAME`, `file://path`, `cmd://command`). Its value is read once,
 * when it is first needed; a salted digest of it, or `cacheKey`, stands for it in keys.
 */
export async function secretFromUri(
  uri: string,
  cacheKey: string | null | undefined,
  salt: Buffer,
  ask: (uri: string) => Promise<Buffer>,
): Promise<Secret> {
  const make = (id: string, plaintext: () => Promise<Buffer>): Secret => ({
    kind: "Secret",
    id,
    name: "",
    uri,
    version: "",
    plaintext,
  })
  let asked: Promise<Buffer> | undefined
  const plaintext = () => {
    asked ??= ask(uri)
    return asked
  }
  if (cacheKey) return make(`key:${cacheKey}`, plaintext)
  try {
    const digest = createHmac("sha256", salt)
      .update(await plaintext())
      .digest("hex")
    return make(`value:${digest}`, plaintext)
  } catch (error) {
    // A missing secret fails where it is used, not where it is named.
    return make(`missing:${uri}`, () => Promise.reject(error))
  }
}
