import { type Container, type Directory, dag } from "@dagger.io/dagger"
import type { Dependencies } from "../project/plan.ts"
import { VERSION } from "../version.ts"
import { packageProgram } from "./asset.ts"
import { files } from "./files.ts"
import { HOME, toolbox } from "./toolbox.ts"

const PROGRAMS = `${HOME}/programs`
const OUTPUT = "/opt/sbom"

/** What a bill of materials is of. */
export interface Subject {
  name: string
  /** The project's own. */
  version: string | undefined
  platform: string
  created: string
}

/**
 * `sbom.cdx.json` (CycloneDX 1.6) and `sbom.spdx.json` (SPDX 2.3) of an image: what its file system says that it has. Images
 * with the same parts have the same, but for the time.
 */
export function sbomOf(image: Container, subject: Subject, dependencies: Dependencies): Directory {
  const { name, version = null, platform, created } = subject
  const document = { name, version, platform, created, tool: VERSION, dependencies }
  return toolbox()
    .withMountedDirectory(PROGRAMS, files(packageProgram("sbom")))
    .withEnvVariable("PYTHONPATH", `${PROGRAMS}:${HOME}/tools`)
    .withMountedDirectory("/image", image.rootfs())
    .withMountedDirectory(
      "/subject",
      dag.directory().withNewFile("subject.json", JSON.stringify(document)),
    )
    .withExec(["python", "-B", "-m", "sbom", "/image", "/subject/subject.json", OUTPUT])
    .directory(OUTPUT)
}
