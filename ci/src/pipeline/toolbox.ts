import { type Container, type Directory, dag, type Platform } from "@dagger.io/dagger"
import { DEFAULT } from "../project/python.ts"

/** Tools that Pyline brings. Pinned: what they do is part of what a Pyline version does. */
export const UV = "0.13.9"
const PACKAGING = "26.3"

/** Where Pyline's own files are in a container: never on a path that the project's Python or shell looks at. */
export const HOME = "/opt/pyline"

/** The image of a Python version. */
export function pythonImage(version: string): string {
  return `python:${version}-slim`
}

/** A container of a Python version, on the machine type of the engine or on another one. */
export function pythonContainer(version: string, platform?: string): Container {
  const empty =
    platform === undefined ? dag.container() : dag.container({ platform: platform as Platform })
  return empty.from(pythonImage(version))
}

/** The container that reads projects. Its Python is fixed, whatever the project's is. */
export function toolbox(platform?: string): Container {
  return pythonContainer(DEFAULT, platform).withExec(
    [
      "python",
      "-m",
      "pip",
      "install",
      "--no-cache-dir",
      "--disable-pip-version-check",
      "--root-user-action=ignore",
      "--retries=2",
    ].concat(["--target", `${HOME}/tools`, `uv==${UV}`, `packaging==${PACKAGING}`]),
  )
}

/** What shows whether an index can show a README: the renderer that indexes use, and nothing else. */
export function readmeRenderer(): Directory {
  const packages = ["readme-renderer==46.0", "docutils==0.23", "nh3==0.3.8", "Pygments==2.21.0"]
  const install = ["uv", "pip", "install", "--system", "--no-deps", "--target", `${HOME}/readme`]
  return toolbox()
    .withEnvVariable("PATH", `${HOME}/tools/bin:/usr/local/bin:/usr/bin:/bin`)
    .withEnvVariable("UV_SYSTEM_CERTS", "1")
    .withExec([...install, "--no-cache", ...packages])
    .directory(`${HOME}/readme`)
}

/** uv's directory, to be mounted where something is installed and nowhere else. */
export function tools(platform?: string): Directory {
  return toolbox(platform).directory(`${HOME}/tools`)
}
