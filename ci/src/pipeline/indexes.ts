import { type Container, dag, type Secret } from "@dagger.io/dagger"
import { extraIndex } from "../errors.ts"
import { loginFiles, readCredentials } from "../project/credentials.ts"
import type { Plan } from "../project/plan.ts"
import { HOME } from "./toolbox.ts"

// Where git looks too, for dependencies that are fetched with it.
const NETRC = "/root/.netrc"
const LIST = `${HOME}/credentials`
const VARIABLES = ["NETRC", "UV_CREDENTIALS_DIR", "UV_DEFAULT_INDEX", "UV_INDEX"]

/**
 * With the credentials of package indexes where the installer looks for them. They are files that are mounted while
 * something is installed: in no argument, no variable and no layer. Nor in a key, so that another token finds what the last
 * one installed. Addresses of indexes are in keys: they are no secrets, and another index is another input.
 */
export async function withIndexes(
  container: Container,
  plan: Plan,
  credentials: Secret | undefined,
): Promise<Container> {
  if (credentials === undefined) return container
  const access = readCredentials(await credentials.plaintext(), plan.indexes ?? [])
  const { netrc, list } =
    access.netrc === undefined ? loginFiles(access.logins) : { netrc: access.netrc, list: "" }
  let ready = container
  // Of a secret made here its name is in keys, of one that is handed over its value.
  if (netrc !== "")
    ready = ready
      .withMountedSecret(NETRC, dag.setSecret("pyline-netrc", netrc))
      .withEnvVariable("NETRC", NETRC)
  if (list !== "")
    ready = ready
      // The installer makes a lock file beside it.
      .withMountedTemp(LIST)
      .withMountedSecret(`${LIST}/credentials.toml`, dag.setSecret("pyline-credentials", list))
      .withEnvVariable("UV_CREDENTIALS_DIR", LIST)
  const { index, extraIndexes } = indexesFor(plan, access)
  if (index !== undefined) ready = ready.withEnvVariable("UV_DEFAULT_INDEX", index)
  if (extraIndexes.length > 0) ready = ready.withEnvVariable("UV_INDEX", extraIndexes.join(" "))
  return ready
}

/** Without all of it again. */
export function withoutIndexes(container: Container): Container {
  const bare = container
    .withoutMount(NETRC)
    .withoutMount(`${LIST}/credentials.toml`)
    .withoutMount(LIST)
  return VARIABLES.reduce((rest, name) => rest.withoutEnvVariable(name), bare)
}

/** Indexes that are named beside the credentials: the project's own files come first, and a uv.lock has its own. */
function indexesFor(
  { dependencies, ...plan }: Plan,
  { index, extraIndexes }: { index?: string; extraIndexes: string[] },
): { index?: string; extraIndexes: string[] } {
  const lines = dependencies.kind === "pip" ? dependencies.requirements.split("\n") : []
  const names = lines.some((line) => /^--(extra-)?index-url /.test(line))
  if (dependencies.kind === "uv" || dependencies.kind === "pylock" || names)
    return { extraIndexes: [] }
  const extra = extraIndexes[0]
  const open = lines.some(
    (line) => line !== "" && !line.startsWith("-") && !line.includes("--hash="),
  )
  if (extra !== undefined && open && plan.extraIndex !== "acknowledged")
    throw extraIndex("--index-credentials", extra)
  return { ...(index === undefined ? {} : { index }), extraIndexes }
}
