import { usage } from "../errors.ts"

/** Where the files of a project come from, as far as the caller says. */
export interface Origin {
  /** The commit. */
  revision?: string | undefined
  /** When the commit was made, as in RFC 3339 or in seconds since 1970. */
  created?: string | undefined
  /** Address of the repository. */
  repository?: string | undefined
}

/** The time of an image whose commit is not known. Fixed, as every time that would differ from run to run is out of the question. */
const UNKNOWN = "1970-01-01T00:00:00Z"

/** When the commit was made, in UTC, to the second. */
export function createdOf({ created }: Origin): string {
  if (created === undefined || created === "") return UNKNOWN
  const time = /^\d{1,12}$/.test(created) ? Number(created) * 1000 : Date.parse(created)
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) {
    throw usage(`--created ${created}: not a time`, "use a time such as 2026-01-31T12:00:00Z")
  }
  return date.toISOString().replace(/\.\d+Z$/, "Z")
}

/** The address without credentials, and as a page to look at where it is one for git's own protocols. */
export function repositoryOf({ repository }: Origin): string | undefined {
  if (repository === undefined || repository === "") return undefined
  const ssh = /^(?:ssh:\/\/)?[\w.-]+@([\w.-]+)(?::\d+)?[:/](.+)$/.exec(repository)
  const address = ssh === null ? repository : `https://${ssh[1]}/${ssh[2]}`
  return address.replace(/^(\w+:\/\/)[^@/]*@/, "$1").replace(/\.git$/, "")
}
