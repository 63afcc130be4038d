import { isIgnored, parseGitignore, type Scope } from "./gitignore.ts"
import { type Matched, Patterns } from "./patterns.ts"

/** What of a directory is wanted. Empty lists filter nothing. */
export interface Selection {
  include?: readonly string[] | undefined
  exclude?: readonly string[] | undefined
  /** Leave out what the .gitignore files of the directory (nested ones too) ignore. */
  gitignore?: boolean | undefined
}

/** What holds for everything in one directory. */
export interface Place {
  included: Matched | undefined
  excluded: Matched | undefined
  scope: Scope | undefined
}

export interface Verdict {
  keep: boolean
  /** For a directory that may hold something wanted: the place to judge its contents by. */
  inside?: Place
}

const KEEP: Verdict = { keep: true }
const LEAVE: Verdict = { keep: false }

/** Decides path by path, from the top down, what of a directory is wanted. */
export class Filter {
  readonly gitignore: boolean
  readonly #include: Patterns | undefined
  readonly #exclude: Patterns | undefined

  /** @throws HostError BAD_PATTERN */
  constructor({ include, exclude, gitignore }: Selection) {
    this.#include = include?.length ? new Patterns(include) : undefined
    this.#exclude = exclude?.length ? new Patterns(exclude) : undefined
    this.gitignore = gitignore ?? false
  }

  /** The place of a tree's root; `scope`: the .gitignore files above it. */
  root(scope?: Scope): Place {
    return { included: undefined, excluded: undefined, scope }
  }

  /** Adds the .gitignore of the directory `path` ("" for the root) to its place. */
  addGitignore(place: Place, path: string, text: string): void {
    const skip = path === "" ? 0 : path.length + 1
    place.scope = { rules: parseGitignore(text), skip, prefix: "", parent: place.scope }
  }

  /** `path` is relative to the root and ends in `name`; `place` is that of the directory it is in. */
  judge(path: string, name: string, isDirectory: boolean, place: Place): Verdict {
    if (place.scope && isIgnored(place.scope, path, name, isDirectory)) return LEAVE
    return isDirectory ? this.#judgeDirectory(path, place) : this.#judgeFile(path, place)
  }

  #judgeFile(path: string, { included, excluded }: Place): Verdict {
    if (this.#include && !this.#include.match(path, included)) return LEAVE
    return this.#exclude?.match(path, excluded) ? LEAVE : KEEP
  }

  #judgeDirectory(path: string, place: Place): Verdict {
    const included: boolean[] = []
    const excluded: boolean[] = []
    const isIncluded = this.#include?.match(path, place.included, included) ?? true
    if (!isIncluded && !this.#include?.mayDifferBelow(path, false, included)) return LEAVE
    const isExcluded = this.#exclude?.match(path, place.excluded, excluded) ?? false
    if (isExcluded && !this.#exclude?.mayDifferBelow(path, true, excluded)) return LEAVE
    return { keep: isIncluded && !isExcluded, inside: { included, excluded, scope: place.scope } }
  }
}
