import { type Container, dag, type Secret } from "@dagger.io/dagger"
import { asset } from "./asset.ts"
import { HOME, pythonImage, tools, UV } from "./toolbox.ts"

/** Where the project is, and its environment. Apart, so that no install ever writes into the source. */
export const SOURCE = "/app"
export const ENVIRONMENT = "/opt/venv"

/** Where programs are looked for: the environment first, then as in the python images. */
export const SEARCH_PATH = `${ENVIRONMENT}/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin`

/** The interpreter that environments are made of. */
export const PYTHON = "/usr/local/bin/python"
const CACHE = `${HOME}/cache`
const SETTINGS = "/etc/uv"
const NETRC = `${HOME}/netrc`

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

/** A Python version with an empty environment, and system packages where the plan has them. */
export async function environment(
  python: string,
  systemPackages: readonly string[],
  credentials?: Secret,
): Promise<Container> {
  let container = dag
    .container()
    .from(pythonImage(python))
    .withEnvVariable("LANG", "C.UTF-8")
    .withEnvVariable("VIRTUAL_ENV", ENVIRONMENT)
    .withEnvVariable("PATH", `${SEARCH_PATH}:${HOME}/tools/bin`)
  if (systemPackages.length > 0) {
    const script = `${HOME}/apt.sh`
    container = container
      .withMountedFile(
        script,
        dag.directory().withNewFile("apt.sh", asset("apt.sh")).file("apt.sh"),
      )
      .withExec(["sh", script, ...systemPackages])
      .withoutMount(script)
  }
  const empty = (await withUv(container)).withExec(["uv", "venv", ENVIRONMENT, "--python", PYTHON])
  // A secret is in no layer and no key: another token finds what the last one installed.
  if (credentials === undefined) return empty
  // Of a secret made here its name is in keys, of one that is handed over its value.
  const netrc = dag.setSecret("pyline-netrc", await credentials.plaintext())
  return empty.withMountedSecret(NETRC, netrc).withEnvVariable("NETRC", NETRC)
}

/** With uv and its cache at hand, for installs. */
async function withUv(container: Container): Promise<Container> {
  const platform = await dag.defaultPlatform()
  const cache = dag.cacheVolume(
    `pyline-uv-${UV}-${platform.replace(/^linux\//, "").replaceAll("/", "-")}`,
  )
  return container
    .withMountedDirectory(`${HOME}/tools`, tools())
    .withMountedDirectory(SETTINGS, dag.directory().withNewFile("uv.toml", UV_TOML))
    .withMountedCache(CACHE, cache)
}

/** Without it again: the project's tests meet a Python environment and no installer. */
export function withoutUv(container: Container, credentials?: Secret): Container {
  const rest =
    credentials === undefined
      ? container
      : container.withoutMount(NETRC).withoutEnvVariable("NETRC")
  return rest.withoutMount(CACHE).withoutMount(SETTINGS).withoutMount(`${HOME}/tools`)
}
