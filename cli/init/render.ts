import type { Environment } from "./environments.ts"

/** What a template is filled with. */
export interface Values {
  /** Git address of Pyline, and the commit of it that runs. */
  address: string
  commit: string
  /** The branch whose pushes are published or released. */
  branch: string
  /** Where images go; none where nothing is published. */
  registry?: string
  /** Where a release goes, one after the other; none where an image is only published. */
  environments: Environment[]
}

/**
 * Fills a template: `@NAME@` is a value, and lines from `#if CONDITION` to `#end` (or `#else`) are there where it holds.
 * Those lines may be indented, and blocks stand in blocks.
 *
 * @throws Error for a name that is no value, and for blocks that do not fit
 */
export function render(template: string, values: Values): string {
  const words = wordsOf(values)
  const text = kept(template, conditionsOf(values)).join("\n")
  return text.replace(/@([A-Z_]+)@/g, (_, name: string) => {
    const word = words[name]
    if (word === undefined) throw new Error(`a template has @${name}@, which is no value`)
    return word
  })
}

/** What the pipeline does on the main branch. */
export const purpose = ({ registry, environments }: Values): "check" | "publish" | "release" =>
  registry === undefined ? "check" : environments.length === 0 ? "publish" : "release"

/** `owner/name` of an address on github.com. */
export function repositoryOf(address: string): string | undefined {
  return /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(address)?.[1]
}

function wordsOf(values: Values): Record<string, string> {
  const { address, commit, branch, registry, environments } = values
  const places = environments.map(({ name }) => name).join(" and ")
  const onMain = {
    check: "",
    publish: `, and on ${branch} the image to ${registry}`,
    release: `, and on ${branch} a release to ${places}`,
  }
  return {
    ADDRESS: address,
    COMMIT: commit,
    BRANCH: branch,
    REGISTRY: registry ?? "",
    LAST: environments.at(-1)?.name ?? "",
    ON_MAIN: onMain[purpose(values)],
    SECRET_FILES: secretFlags(values, (name) => `$${name}`),
    HOME_FILES: secretFlags(values, (name) => `$HOME/${name.toLowerCase().replace("_", "-")}`),
    ACTION: `${repositoryOf(address) ?? address}@${commit}`,
  }
}

/** Flags for secrets that a host gives as files. */
function secretFlags(values: Values, place: (name: string) => string): string {
  const { ssh, kubernetes } = conditionsOf(values)
  const flags = [
    ...(ssh ? [["ssh-key", "SSH_KEY"] as const, ["known-hosts", "KNOWN_HOSTS"] as const] : []),
    ...(kubernetes ? [["kubeconfig", "KUBE_CONFIG"] as const] : []),
  ]
  return flags.map(([flag, name]) => ` --${flag} "file:${place(name)}"`).join("")
}

function conditionsOf(values: Values): Record<string, boolean> {
  const releases = purpose(values) === "release"
  const goesTo = (...targets: string[]) =>
    releases && values.environments.some(({ target }) => targets.includes(target))
  return {
    publish: purpose(values) === "publish",
    release: releases,
    ssh: goesTo("docker", "compose"),
    kubernetes: goesTo("kubernetes"),
    files: goesTo("docker", "compose", "kubernetes"),
  }
}

function kept(template: string, conditions: Record<string, boolean>): string[] {
  const open: boolean[] = []
  const lines = template.split("\n").filter((line) => {
    const [, word, condition] = /^\s*#(if|else|end)\b ?(\w*)$/.exec(line) ?? []
    if (word === "if") {
      const holds = conditions[condition ?? ""]
      if (holds === undefined) throw new Error(`a template asks for ${condition}`)
      open.push(holds)
    } else if (word !== undefined) {
      const holds = open.pop()
      if (holds === undefined) throw new Error(`a template has #${word} without #if`)
      if (word === "else") open.push(!holds)
    }
    return word === undefined && open.every(Boolean)
  })
  if (open.length > 0) throw new Error("a template has #if without #end")
  return lines
}
