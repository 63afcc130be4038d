/**
 * The full form of an image reference, as Docker reads it: `python` is
 * `docker.io/library/python:latest`. A digest stays; a tag beside a digest stays too.
 */
export function normaliseReference(ref: string): string {
  const [, name = "", digest = ""] = /^([^@]*)(@.*)?$/s.exec(ref.trim()) ?? []
  const slash = name.indexOf("/")
  const first = slash < 0 ? "" : name.slice(0, slash)
  const hasHost = first === "localhost" || /[.:]/.test(first)
  let host = hasHost ? first : "docker.io"
  let path = hasHost ? name.slice(slash + 1) : name
  if (host === "index.docker.io" || host === "registry-1.docker.io") host = "docker.io"
  if (host === "docker.io" && !path.includes("/")) path = `library/${path}`
  const tagged = /:[^/]*$/.test(path)
  return `${host}/${path}${tagged || digest ? "" : ":latest"}${digest}`
}

/** The registry host of a reference. */
export function registryOf(ref: string): string {
  const full = normaliseReference(ref)
  return full.slice(0, full.indexOf("/"))
}
