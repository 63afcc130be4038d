import { createHash } from "node:crypto"
import { VERSION } from "../version.ts"
import type { Plan } from "./plan.ts"
import type { Tags } from "./tags.ts"

/** A check before the image was published: had one been red, there would be no image. */
export interface PassedCheck {
  check: string
  /** `passed`, or `skipped` where there was nothing to check. */
  outcome: string
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
  /** The checks of `ci`; none where they were left out on request. */
  checks: PassedCheck[]
  checksSkipped: boolean
  /** With the digests of locks in place of their texts. */
  plan: Plan
  /** When it was published, in RFC 3339. */
  time: string
  pyline: string
}

/** Longer texts of a plan are whole locks: their digests say as well which ones they were. */
const LONGEST = 400

/** A plan for the record, with long texts as `sha256:…`. */
export function recorded<T>(plan: T): T {
  return JSON.parse(JSON.stringify(plan), (_, value) =>
    typeof value === "string" && value.length > LONGEST
      ? `sha256:${createHash("sha256").update(value).digest("hex")}`
      : value,
  )
}

/** Everything of a release but what is the same for all. */
export function releaseOf(release: Omit<Release, "schema" | "pyline">): Release {
  return { schema: 1, ...release, plan: recorded(release.plan), pyline: VERSION }
}
