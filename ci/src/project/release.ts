import { VERSION } from "../version.ts"
import type { Plan } from "./plan.ts"
import type { Tags } from "./tags.ts"

/** A check that had to be green before the image was published. */
export interface PassedCheck {
  check: string
  summary: string
}

/** release.json: what was published, what it was made of, and what was known of it then. */
export interface Release {
  schema: 1
  /** The repository, with its host. */
  name: string
  digest: string
  tags: Tags
  platforms: string[]
  revision?: string
  branch?: string
  repository?: string
  version?: string
  /** Checks that passed; none where they were left out on request. */
  checks: PassedCheck[]
  checksSkipped: boolean
  plan: Plan
  /** When it was published, in RFC 3339. */
  time: string
  pyline: string
}

/** Everything of a release but what is the same for all. */
export function releaseOf(release: Omit<Release, "schema" | "pyline">): Release {
  return { schema: 1, ...release, pyline: VERSION }
}
