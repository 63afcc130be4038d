import type { Directory, File, Secret } from "@dagger.io/dagger"
import { notice } from "../caller.ts"
import { usage } from "../errors.ts"
import { type SigningIdentity, signKeyless } from "./keyless.ts"
import { type SigningKey, sign } from "./signing.ts"

/** What signs: a key, or who the CI host says that this run is. */
export type Signer = SigningKey | SigningIdentity

/**
 * What signs, of what was asked for; nothing where nothing was.
 *
 * @throws USAGE where it is both, or half of one
 */
export function signerOf(asked: {
  key?: Secret | undefined
  password?: Secret | undefined
  identity?: Secret | undefined
  identityUrl?: Secret | undefined
  identityToken?: Secret | undefined
  sigstore?: File | undefined
}): Signer | undefined {
  const { key, password, ...own } = asked
  const { identity, identityUrl, identityToken } = own
  const given = Object.values(own).some((value) => value !== undefined)
  if (key !== undefined && given)
    throw usage(
      "a key and an identity were given to sign with",
      "give --signing-key, or an identity, and not both",
    )
  if (key !== undefined) return { key, password }
  if (!given) return undefined
  if (identity === undefined && (identityUrl === undefined || identityToken === undefined))
    throw usage(
      "nothing says who signs",
      "give --signing-identity-url and --signing-identity-token (GitHub), or --signing-identity (GitLab)",
    )
  return own
}

/** Signs in-toto statements, by names of files without their ending: `NAME.sigstore.json` in the directory it gives. */
export async function signedBy(
  statements: Readonly<Record<string, unknown>>,
  signer: Signer,
): Promise<Directory> {
  if ("key" in signer) return await sign(statements, signer)
  const { bundles, identity, issuer } = await signKeyless(statements, signer)
  notice(`signed by ${identity}, for whom ${issuer} vouches`)
  return bundles
}

/** The secrets of a signer, by their flags. */
export function secretsOf(signer: Signer | undefined): Record<string, Secret | undefined> {
  if (signer === undefined) return {}
  if ("key" in signer) return { "signing-key": signer.key, "signing-password": signer.password }
  const { identity, identityToken } = signer
  return { "signing-identity": identity, "signing-identity-token": identityToken }
}
