import type { Directory, File } from "@dagger.io/dagger"
import { signatureMissing, usage } from "../errors.ts"
import { PROVENANCE, SIGNED } from "../project/provenance.ts"
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
  const others = [identity, issuer, sigstore]
  if (key !== undefined && others.every((each) => each === undefined)) return { key }
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
  const { name, digest, list, documents, problems } = await attachmentsOf(
    image,
    login,
    TYPES.bundle,
  )
  const names = list.map(({ file }) => file)
  const { by, signed, why } = await signedOf(documents, names, expected, digest)
  if (signed.length === 0)
    throw signatureMissing(`${name}@${digest}`, by, [...new Set([...why, ...problems])])
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
    return { by: `with the key ${key}`, ...counted(good, bad) }
  }
  const { good, bad } = await verifyKeyless(documents, names, expected, digest)
  const { signed, why } = counted(good, bad)
  // The pattern may fit several; each that signed is named.
  const who = new Set(
    signed.map(({ identity, issuer }) => `${identity}, for whom ${issuer} vouches`),
  )
  const by =
    who.size === 0
      ? `${expected.identity}, for whom ${expected.issuer} vouches`
      : [...who].join("\nand ")
  return { by: `by ${by}`, signed, why }
}

/** Who signs the report of a scan says nothing of who made the image. */
function counted<T extends Signed>(good: readonly T[], bad: readonly { why: string }[]) {
  const counts = ({ predicateType }: Signed) => [SIGNED, PROVENANCE].includes(predicateType)
  const others = good.filter((each) => !counts(each)).map(({ predicateType }) => predicateType)
  const why = others.map((type) => `it says ${type} of the image, and not that it is signed`)
  return { signed: good.filter(counts), why: [...why, ...bad.map(({ why }) => why)] }
}

/** What a person wants to know of signed provenance. */
function madeOf({ predicate }: Signed): string[] {
  const { buildDefinition, runDetails } = (predicate ?? {}) as {
    buildDefinition?: { externalParameters?: { source?: Record<string, unknown> } }
    runDetails?: { builder?: { id?: unknown }; metadata?: { finishedOn?: unknown } }
  }
  const { revision, repository, branch } = buildDefinition?.externalParameters?.source ?? {}
  const source = [repository, revision, branch].flatMap((word) => shown(word) ?? [])
  return [
    `made from ${source.length === 0 ? "a source that is not named" : source.join(" ")}`,
    `made by ${shown(runDetails?.builder?.id) ?? "nobody that is named"}, ${shown(runDetails?.metadata?.finishedOn) ?? "at no time that is named"}`,
  ]
}

/** A text without what steers terminals. */
const shown = (value: unknown): string | undefined =>
  typeof value === "string"
    ? value.replace(/\p{C}|\p{Zl}|\p{Zp}/gu, "\ufffd").slice(0, 300)
    : undefined
