import { registryInvalid } from "../errors.ts"

const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::\d+)?$/
const PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

/**
 * The repository that `--registry` names, with its host: a user who writes `me/app` means Docker Hub's.
 *
 * @throws REGISTRY_INVALID, also where it has a tag: tags are given apart
 */
export function repositoryName(text: string): string {
  const trimmed = text
    .trim()
    .replace(/^https?:\/\//, "")
    .replace(/\/$/, "")
  const [first = "", ...rest] = trimmed.split("/")
  const hasHost = rest.length > 0 && (first === "localhost" || /[.:]/.test(first))
  const parts = hasHost ? rest : [first, ...rest]
  const host = hasHost ? first : "docker.io"
  if (!HOST.test(host) || !parts.every((part) => PART.test(part))) throw registryInvalid(text)
  return `${host}/${parts.join("/")}`
}

/** An image by name and tag or digest: what `--image` takes. */
export function imageName(text: string): { name: string; tag?: string; digest?: string } {
  const [before = "", digest] = text.trim().split("@")
  const [, path = "", tag] = /^(.*?)(?::([\w][\w.-]{0,127}))?$/.exec(before) ?? []
  // A port is no tag.
  const isPort = tag !== undefined && !path.includes("/") && /^\d+$/.test(tag)
  if (isPort || (digest !== undefined && !DIGEST.test(digest))) throw registryInvalid(text)
  return {
    name: repositoryName(path),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** The host of a repository's name. */
export const hostOf = (name: string): string => name.slice(0, name.indexOf("/"))
