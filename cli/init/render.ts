/** What a template is filled with. */
export interface Values {
  /** Git address of Pyline, and the commit of it that runs. */
  address: string
  commit: string
  /** The branch whose pushes are published. */
  branch: string
  /** Where images go; none where nothing is published. */
  registry?: string
}

/**
 * Fills a template: `@NAME@` is a value, and lines from `#if registry` to `#end` are there only with a registry.
 *
 * @throws Error for a name that is no value
 */
export function render(template: string, values: Values): string {
  const { address, commit, branch, registry } = values
  const words: Record<string, string> = {
    ADDRESS: address,
    COMMIT: commit,
    BRANCH: branch,
    REGISTRY: registry ?? "",
    ON_MAIN: registry === undefined ? "" : `, and on ${branch} the image to ${registry}`,
    ACTION: `${repositoryOf(address) ?? address}@${commit}`,
  }
  return template
    .replace(/^#if registry\n(.*?)^#end\n/gms, registry === undefined ? "" : "$1")
    .replace(/@([A-Z_]+)@/g, (_, name: string) => {
      const word = words[name]
      if (word === undefined) throw new Error(`a template has @${name}@, which is no value`)
      return word
    })
}

/** `owner/name` of an address on github.com. */
export function repositoryOf(address: string): string | undefined {
  return /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(address)?.[1]
}
