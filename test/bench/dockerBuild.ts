import path from "node:path"
import { $ } from "zx"
import { enginePaths } from "../../engine/daemon/paths.ts"
import { loadConfig, lookupImage } from "../../engine/setup/config.ts"

const root = path.resolve(import.meta.dirname, "../..")
const sh = $({ quiet: true, stdio: ["ignore", "pipe", "pipe"] })

/** Builds the Dockerfile of a folder, as a person would without Pyline, on the BuildKit that Pyline uses. */
export type Build = (context: string, dockerfile: string, ...more: string[]) => Promise<void>

/** `image` is found where the engine finds it. */
export async function dockerBuild(image: string, work: string): Promise<Build> {
  const paths = enginePaths()
  const config = loadConfig(paths)
  const buildctl = path.join(work, "buildctl")
  await sh({
    cwd: path.join(root, "engine/tools"),
  })`go build -o ${buildctl} github.com/moby/buildkit/cmd/buildctl`
  const found = lookupImage(config, image)
  const base =
    found && "ociLayout" in found
      ? [
          `--oci-layout=base=${found.ociLayout}`,
          `--opt=context:${image}=oci-layout://base@${found.digest}`,
        ]
      : []
  const ca = config.caBundle ? [`--secret=id=ca,src=${config.caBundle}`] : []
  return async (context, dockerfile, ...more) =>
    void (await sh`${buildctl} --addr unix://${paths.buildkitSocket} build --progress=plain --frontend=dockerfile.v0 --local context=${context} --local dockerfile=${dockerfile} ${base} ${ca} ${more}`)
}
