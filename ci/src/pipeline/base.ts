import { type Container, dag, type Secret } from "@dagger.io/dagger"
import type { Plan } from "../project/plan.ts"
import { asset } from "./asset.ts"
import { withIndexes, withoutIndexes } from "./indexes.ts"
import { step } from "./step.ts"
import { HOME, pythonContainer, tools, UV } from "./toolbox.ts"

/** Where the project is, and its environment. Apart, so that no install ever writes into the source. */
export const SOURCE = "/app"
export const ENVIRONMENT = "/opt/venv"

/** Where programs are looked for: the environment first, then as in the python images. */
export const SEARCH_PATH = `${ENVIRONMENT}/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin`

/** The interpreter that environments are made of. */
export const PYTHON = "/usr/local/bin/python"
const CACHE = `${HOME}/cache`
const SETTINGS = "/etc/uv"

/** Settings of uv, below those of the project's own [tool.uv]. */
const UV_TOML = `cache-dir = "${CACHE}"
python-downloads = "never"
# The cache is another file system than the environment: a link between them cannot be made.
link-mode = "copy"
# Once here, and not at the start of each run of the tests.
compile-bytecode = true
# A site's own certificates are in the system's store, which uv asks only when told to.
system-certs = true
`

/** How patient uv is with an index, in attempts and seconds. Longer trouble is dealt with by trying the whole step again. */
const PATIENCE: Record<string, string> = { UV_HTTP_RETRIES: "3", UV_HTTP_TIMEOUT: "30" }

/** The plan's Python version with an empty environment and its system packages, ready to install. */
export async function environment(plan: Plan, credentials?: Secret): Promise<Container> {
  const { python, platform, systemPackages } = plan
  let container = pythonContainer(python, platform)
    .withEnvVariable("LANG", "C.UTF-8")
    .withEnvVariable("VIRTUAL_ENV", ENVIRONMENT)
    .withEnvVariable("PATH", `${SEARCH_PATH}:${HOME}/tools/bin`)
  if (systemPackages.length > 0) container = withSystemPackages(container, systemPackages)
  const make = ["uv", "venv", ENVIRONMENT, "--python", PYTHON]
  const empty = (await withUv(container, platform)).with(step(make))
  return withIndexes(empty, plan, credentials)
}

/** An environment that was left by `withoutUv`, ready to install more. */
export async function ready(
  container: Container,
  plan: Plan,
  credentials?: Secret,
): Promise<Container> {
  return withIndexes(await withUv(container, plan.platform), plan, credentials)
}

/** With packages of Debian. */
export function withSystemPackages(container: Container, names: readonly string[]): Container {
  const script = `${HOME}/apt.sh`
  return container
    .withMountedFile(script, dag.directory().withNewFile("apt.sh", asset("apt.sh")).file("apt.sh"))
    .with(step(["sh", script, ...names]))
    .withoutMount(script)
}

/** With uv and its cache at hand, for installs. */
export async function withUv(container: Container, platform?: string): Promise<Container> {
  const machine = platform ?? (await dag.defaultPlatform())
  const cache = dag.cacheVolume(
    `pyline-uv-${UV}-${machine.replace(/^linux\//, "").replaceAll("/", "-")}`,
  )
  let patient = container
  for (const [name, value] of Object.entries(PATIENCE)) {
    patient = patient.withEnvVariable(name, value)
  }
  return patient
    .withMountedDirectory(`${HOME}/tools`, tools(platform))
    .withMountedDirectory(SETTINGS, dag.directory().withNewFile("uv.toml", UV_TOML))
    .withMountedCache(CACHE, cache)
}

/** For installs whose bytecode is made by something else. */
export const withoutCompiling = (container: Container): Container =>
  container.withMountedDirectory(
    SETTINGS,
    dag.directory().withNewFile("uv.toml", UV_TOML.replace("bytecode = true", "bytecode = false")),
  )

/** Without it again: the project's tests meet a Python environment and no installer. */
export function withoutUv(container: Container): Container {
  let rest = withoutIndexes(container)
  for (const name of Object.keys(PATIENCE)) rest = rest.withoutEnvVariable(name)
  return rest.withoutMount(CACHE).withoutMount(SETTINGS).withoutMount(`${HOME}/tools`)
}
