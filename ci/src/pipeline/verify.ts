import { signatureMissing } from "../errors.ts"
import { PROVENANCE } from "../project/provenance.ts"
import { TYPES } from "./attach.ts"
import { attachmentsOf } from "./attachments.ts"
import type { Login } from "./registry.ts"
import { type Signed, verifyBundles } from "./signing.ts"

/**
 * Says what is signed of an image. What a registry holds is checked against the key and the digest, and not trusted.
 *
 * @param publicKey in PEM
 * @throws SIGNATURE_MISSING where nothing is signed with the key
 */
export async function verify(
  image: string,
  publicKey: string,
  login: Login | undefined,
): Promise<string> {
  const attached = await attachmentsOf(image, login)
  const { name, digest } = attached
  const bundles = attached.list.filter(({ type }) => type === TYPES.bundle)
  const names = bundles.map(({ file }) => file)
  const { key, good, bad } = await verifyBundles(attached.documents, names, publicKey, digest)
  if (good.length === 0)
    throw signatureMissing(`${name}@${digest}`, key, [...new Set(bad.map(({ why }) => why))])
  const provenance = good.find(({ predicateType }) => predicateType === PROVENANCE)
  return [
    `${name}@${digest}`,
    `signed with the key ${key}`,
    ...(provenance === undefined ? ["no provenance is signed with it"] : madeOf(provenance)),
  ].join("\n")
}

/** What a person wants to know of signed provenance. */
function madeOf({ predicate }: Signed): string[] {
  const { buildDefinition, runDetails } = (predicate ?? {}) as {
    buildDefinition?: { externalParameters?: { source?: Record<string, string> } }
    runDetails?: { builder?: { id?: string }; metadata?: { finishedOn?: string } }
  }
  const { revision, repository, branch } = buildDefinition?.externalParameters?.source ?? {}
  const source = [repository, revision, branch].filter((word) => typeof word === "string")
  return [
    `made from ${source.length === 0 ? "a source that is not named" : source.join(" ")}`,
    `made by ${runDetails?.builder?.id ?? "nobody that is named"}, ${runDetails?.metadata?.finishedOn ?? "at no time that is named"}`,
  ]
}
