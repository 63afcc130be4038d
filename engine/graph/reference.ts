import { normaliseReference } from "../setup/reference.ts"
import { EngineError } from "./errors.ts"

// The grammar of github.com/distribution/reference.
const DOMAIN =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9-]+)*|\[[a-fA-F0-9:]+\])(?::\d+)?$/
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/

/** Fails unless the text names an image: `[host[:port]/]path[:tag][@digest]`. */
export function checkReference(text: string): void {
  const full = normaliseReference(text)
  const [, host = "", name = "", tag, digest] =
    /^([^/]*)\/([^@]*?)(?::([^:/@]*))?(?:@(.*))?$/s.exec(full) ?? []
  const path = name.split("/")
  if (path.some((p) => /[A-Z]/.test(p)) && path.every((p) => COMPONENT.test(p.toLowerCase()))) {
    throw new EngineError(`invalid reference format: repository name (${name}) must be lowercase`)
  }
  const valid =
    DOMAIN.test(host) &&
    path.every((p) => COMPONENT.test(p)) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest))
  if (!valid)
    throw new EngineError(`invalid reference format: ${JSON.stringify(text).slice(0, 200)}`)
}
