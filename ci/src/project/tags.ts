import { tagInvalid, tagMissing } from "../errors.ts"

/** Tags of an image, by what may happen to one that is on another image already. */
export interface Tags {
  /** It moves: branches, `latest`. */
  move: string[]
  /** It never moves, and that is an error: commits, versions that were asked for. */
  stay: string[]
  /** It never moves, and stays where it is: the version that the project happens to have. */
  keep: string[]
}

/** What is known of the files that the image is made of. */
export interface Named {
  /** Tags that were asked for: then there are no others. */
  asked: readonly string[]
  /** The commit; with `-dirty` at its end where the files are not all as in the commit. */
  revision?: string | undefined
  version?: string | undefined
  branch?: string | undefined
}

const TAG = /^\w[\w.-]{0,127}$/
/** Whole versions: `1.4` may well mean the newest of 1.4.x. */
const VERSION = /^v?\d+\.\d+\.\d+/
const COMMIT = /^[0-9a-f]{7,64}$/
/** Long enough for repositories of any size, short enough to be read aloud. */
const SHORT = 12

/**
 * Decides on the tags of an image: the commit, the version and the branch, or those that are asked for.
 *
 * @throws TAG_INVALID, TAG_MISSING
 */
export function decideTags({ asked, revision, version, branch }: Named): Tags {
  const tags: Tags = { move: [], stay: [], keep: [] }
  if (asked.length > 0) {
    const wrong = asked.find((tag) => !TAG.test(tag))
    if (wrong !== undefined) throw tagInvalid(wrong)
    for (const tag of new Set(asked)) {
      const stays = VERSION.test(tag) || COMMIT.test(tag) || tag === version
      tags[stays ? "stay" : "move"].push(tag)
    }
    return tags
  }
  const [, commit = "", dirty] = /^([0-9a-f]{7,64})(-dirty)?$/.exec(revision ?? "") ?? []
  // No name that others rely on is given to what nobody else can make again.
  if (dirty !== undefined) return { ...tags, move: [`${commit.slice(0, SHORT)}${dirty}`] }
  if (commit !== "") tags.stay.push(commit.slice(0, SHORT))
  const release = version?.replace(/[^\w.-]/g, "-")
  if (release !== undefined && TAG.test(release)) tags.keep.push(release)
  const name = branch?.replace(/[^\w.-]+/g, "-").replace(/^[.-]+/, "")
  const named = name?.slice(0, 128) ?? ""
  // A branch that is called like a version would move what looks as if it stayed.
  const misleading = VERSION.test(named) || COMMIT.test(named) || named === release
  if (named !== "" && !misleading) tags.move.push(named)
  if ([...tags.move, ...tags.stay, ...tags.keep].length === 0) throw tagMissing()
  return tags
}

/** The tag to speak of the image by: one that stays, if there is one. */
export function firstTag({ stay, keep, move }: Tags): string {
  return [...stay, ...move, ...keep][0] as string
}
