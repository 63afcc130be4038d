import { createHash, type KeyObject, X509Certificate } from "node:crypto"

/** What clients know of an instance. */
export interface Instance {
  issuer: string
  fulcio: { url: string; chain: string }
  ctlog: { url: string; key: KeyObject }
  rekor: { url: string; key: KeyObject }
  timestamps: { url: string; chain: string }
}

const DER = { type: "spki", format: "der" } as const
const type = (name: string) => `application/vnd.dev.sigstore.${name}`
const hash = (...parts: (string | Uint8Array)[]) => {
  const sum = createHash("sha256")
  for (const part of parts) sum.update(part)
  return sum.digest("base64")
}

/** The trust configuration of clients: what they believe, and where they sign. */
export function trustConfig({ issuer, fulcio, ctlog, rekor, timestamps }: Instance): object {
  const start = new Date(Date.now() - 3_600_000).toISOString()
  const operator = "here"
  const validFor = { start }
  const log = (url: string, key: KeyObject, keyDetails: string, keyId: string) => ({
    baseUrl: url,
    hashAlgorithm: "SHA2_256",
    publicKey: { rawBytes: key.export(DER).toString("base64"), keyDetails, validFor },
    logId: { keyId },
  })
  const authority = (uri: string, chain: string) => ({
    subject: { organization: operator, commonName: operator },
    uri,
    certChain: { certificates: certificates(chain) },
    validFor,
  })
  const service = (url: string, majorApiVersion = 1) => ({
    ...{ url, majorApiVersion, validFor, operator },
  })
  const any = { selector: "ANY" }
  return {
    mediaType: type("clienttrustconfig.v0.1+json"),
    trustedRoot: {
      mediaType: type("trustedroot+json;version=0.1"),
      tlogs: [log(rekor.url, rekor.key, "PKIX_ED25519", checkpointId(rekor.url, rekor.key))],
      certificateAuthorities: [authority(fulcio.url, fulcio.chain)],
      ctlogs: [log(ctlog.url, ctlog.key, "PKIX_ECDSA_P256_SHA_256", hash(ctlog.key.export(DER)))],
      timestampAuthorities: [authority(timestamps.url, timestamps.chain)],
    },
    signingConfig: {
      mediaType: type("signingconfig.v0.2+json"),
      caUrls: [service(fulcio.url)],
      oidcUrls: [service(issuer)],
      rekorTlogUrls: [service(rekor.url, 2)],
      tsaUrls: [service(timestamps.url)],
      rekorTlogConfig: any,
      tsaConfig: any,
    },
  }
}

/** How the signer of checkpoints is called in signed notes: https://c2sp.org/signed-note. */
function checkpointId(url: string, key: KeyObject): string {
  const raw = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url")
  return hash(new URL(url).hostname, "\n", Buffer.of(1), raw)
}

const certificates = (chain: string) =>
  (chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((pem) => ({
    rawBytes: new X509Certificate(pem).raw.toString("base64"),
  }))
