import { type Container, type Directory, dag } from "@dagger.io/dagger"
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

/** The container that reads projects. Its Python is fixed, whatever the project's is. */
export function toolbox(): Container {
  return dag
    .container()
    .from(pythonImage(DEFAULT))
    .withExec(
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

/** uv's directory, to be mounted where something is installed and nowhere else. */
export function tools(): Directory {
  return toolbox().directory(`${HOME}/tools`)
}
