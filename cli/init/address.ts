import { UsageError } from "../failure.ts"
import { git } from "../git.ts"

/** A Pyline that a CI host can get: a git address and a commit of it. */
export interface Address {
  address: string
  commit: string
}

/**
 * Reads `https://example.com/pyline@<commit>`, or finds out where the checkout in `root` came from.
 *
 * @throws UsageError where that is not known, or nothing that a CI host could clone
 */
export function pylineAddress(from: string | undefined, root: string): Address {
  const [, given, commit] = /^(.+)@([0-9a-f]{40})$/.exec(from ?? "") ?? []
  if (from !== undefined && (given === undefined || commit === undefined))
    throw new UsageError(
      `--from ${from}: not an address with a commit`,
      "write --from https://example.com/pyline@<40 digits of the commit>",
    )
  const found =
    given !== undefined && commit !== undefined
      ? { address: given, commit }
      : {
          address: httpsOf(git(root, "remote", "get-url", "origin")),
          commit: git(root, "rev-parse", "HEAD"),
        }
  const { address, commit: pinned } = found
  if (!address || !pinned || !/^https:\/\/[\w.-]+(?::\d+)?\/[\w./~-]+$/.test(address))
    throw new UsageError(
      from === undefined
        ? "it is not known where a CI host gets this Pyline from"
        : `--from ${from}: a CI host needs an https address`,
      "say it: --from https://example.com/pyline@<40 digits of the commit>",
    )
  return { address, commit: pinned }
}

/** The https address of one for ssh: a CI host has no key. */
const httpsOf = (url: string | undefined): string | undefined =>
  url?.replace(/^(?:ssh:\/\/)?git@([\w.-]+)[:/]/, "https://$1/").replace(/\.git$/, "")
