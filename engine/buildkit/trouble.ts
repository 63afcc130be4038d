/** What can go wrong between BuildKit and a registry, as its words tell it. */
export type Trouble =
  /** The registry wants fewer requests. */
  | { kind: "limited"; host: string; url?: string }
  /** The next try may well go better. */
  | { kind: "flaky"; host?: string; what: string }
  /** What arrived is not what was promised. */
  | { kind: "corrupt"; digest: string; arrived: string }
  | { kind: "unknown-host"; host: string }
  | { kind: "unreachable"; host: string; what: string }
  | { kind: "denied"; host: string; what: string }

const STATUS =
  /unexpected status from \w+ request to ((?:https?):\/\/[^\s/]+\S*?): (\d{3})([^\n:|]*)/
const CORRUPT = /unexpected commit digest (sha256:[0-9a-f]{64}), expected (sha256:[0-9a-f]{64})/
const REQUEST = /"(https?:\/\/[^"\s]+)"/
const DROPPED =
  /connection reset by peer|unexpected EOF|: EOF$|broken pipe|TLS handshake timeout|server closed idle connection|http2: \w+/m

/** Reads an error of BuildKit; nothing when it is not about a registry. */
export function troubleOf(message: string): Trouble | undefined {
  const [, arrived, digest] = CORRUPT.exec(message) ?? []
  if (arrived && digest) return { kind: "corrupt", digest, arrived }
  const [, unknown] = /dial tcp: lookup (\S+?)(?: on \S+)?: .*no such host/.exec(message) ?? []
  if (unknown) return { kind: "unknown-host", host: unknown }
  const asked = hostOf(REQUEST.exec(message)?.[1])
  const [, address, why] = /dial tcp (\S+?): (?:connect: )?([^\n]+)/.exec(message) ?? []
  if (address && why) return { kind: "unreachable", host: asked ?? address, what: why }
  const [, url, status = "", words = ""] = STATUS.exec(message) ?? []
  const host = hostOf(url)
  if (host) {
    const what = `${status}${words.trimEnd()}`
    if (status === "429") return { kind: "limited", host, ...(url && { url }) }
    if (status === "401" || status === "403") return { kind: "denied", host, what }
    if (status.startsWith("5")) return { kind: "flaky", host, what }
  }
  const dropped = DROPPED.exec(message)
  if (dropped)
    return { kind: "flaky", ...(asked && { host: asked }), what: dropped[0].replace(/^: /, "") }
  return undefined
}

function hostOf(url: string | undefined): string | undefined {
  if (!url) return undefined
  return /^https?:\/\/([^/]+)/.exec(url)?.[1]
}

/** An error of BuildKit that is about a registry in words that say where it is and what to do. */
export function inPlainWords(message: string): string | undefined {
  const trouble = troubleOf(message)
  if (!trouble) return undefined
  const [push = ""] = /failed to push \S+: /.exec(message) ?? []
  return push + describeTrouble(trouble)
}

function describeTrouble(trouble: Trouble): string {
  switch (trouble.kind) {
    case "limited":
      return `the registry ${trouble.host} limits how often it may be asked (429 Too Many Requests): log in to it, use a mirror, or try later`
    case "flaky":
      return trouble.host
        ? `the registry ${trouble.host} failed again and again (${trouble.what}): try later`
        : `the connection to the registry broke again and again (${trouble.what}): try later`
    case "corrupt":
      return `the registry sent corrupt data: ${trouble.digest} arrived as ${trouble.arrived}. Nothing of it was kept`
    case "unknown-host":
      return `the name of the registry ${trouble.host} cannot be resolved (no such host): check how it is spelled, and the DNS of this machine`
    case "unreachable":
      return `the registry ${trouble.host} cannot be reached (${trouble.what})`
    case "denied":
      return `the registry ${trouble.host} refuses access (${trouble.what}): log in to it (withRegistryAuth), and check the name`
  }
}
