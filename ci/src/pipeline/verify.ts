import type { Directory, File } from "@dagger.io/dagger"
import { signatureMissing, usage } from "../errors.ts"
import { PROVENANCE } from "../project/provenance.ts"
import { TYPES } from "./attach.ts"
import { attachmentsOf } from "./attachments.ts"
import { type ExpectedSigner, verifyKeyless } from "./keyless.ts"
import type { Login } from "./registry.ts"
import { type Signed, verifyBundles } from "./signing.ts"

/** Who has to have signed: the owner of a key, whose public half is in PEM, or an identity. */
export type Expected = { key: File } | ExpectedSigner

/**
 * Who is expected, of what was asked for.
 *
 * @throws USAGE unless it is one of a key and an identity
 */
export function expectedSigner(asked: {
  key?: File | undefined
  identity?: string | undefined
  issuer?: string | undefined
  sigstore?: File | undefined
}): Expected {
  const { key, identity, issuer, sigstore } = asked
  if (key !== undefined && identity === undefined && issuer === undefined) return { key }
  if (key === undefined && identity && issuer) return { identity, issuer, sigstore }
  throw usage(
    key === undefined
      ? "nothing says who has to have signed the image"
      : "a key and an identity were given, and one of them has to have signed the image",
    "give --key, or --identity and --issuer",
  )
}

/**
 * Says what is signed of an image. What a registry holds is checked against the key or the identity, and the digest, and not trusted.
 *
 * @throws SIGNATURE_MISSING where nothing is signed by the one who is expected
 */
export async function verify(
  image: string,
  expected: Expected,
  login: Login | undefined,
): Promise<string> {
  const attached = await attachmentsOf(image, login)
  const { name, digest } = attached
  const bundles = attached.list.filter(({ type }) => type === TYPES.bundle)
  const names = bundles.map(({ file }) => file)
  const { by, signed, why } = await signedOf(attached.documents, names, expected, digest)
  if (signed.length === 0) throw signatureMissing(`${name}@${digest}`, by, [...new Set(why)])
  const provenance = signed.find(({ predicateType }) => predicateType === PROVENANCE)
  return [
    `${name}@${digest}`,
    `signed ${by}`,
    ...(provenance === undefined ? ["no provenance is signed with it"] : madeOf(provenance)),
  ].join("\n")
}

/** What counts of the bundles, by whom it is signed, and why others do not count. */
async function signedOf(
  documents: Directory,
  names: readonly string[],
  expected: Expected,
  digest: string,
): Promise<{ by: string; signed: Signed[]; why: string[] }> {
  if ("key" in expected) {
    const text = await expected.key.contents()
    const { key, good, bad } = await verifyBundles(documents, names, text, digest)
    return { by: `with the key ${key}`, signed: good, why: bad.map(({ why }) => why) }
  }
  const { good, bad } = await verifyKeyless(documents, names, expected, digest)
  // The pattern may fit several; each that signed is named.
  const who = new Set(good.map(({ identity, issuer }) => `${identity}, for whom ${issuer} vouches`))
  const by =
    who.size === 0
      ? `${expected.identity}, for whom ${expected.issuer} vouches`
      : [...who].join("\nand ")
  return { by: `by ${by}`, signed: good, why: bad.map(({ why }) => why) }
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
