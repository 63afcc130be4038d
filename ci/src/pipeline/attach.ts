import { type Directory, dag } from "@dagger.io/dagger"
import { PROVENANCE, type Statement } from "../project/provenance.ts"
import type { Release } from "../project/release.ts"
import { type Login, registry } from "./registry.ts"

/** Types of the documents beside an image. */
export const TYPES = {
  cyclonedx: "application/vnd.cyclonedx+json",
  spdx: "application/spdx+json",
  statement: "application/vnd.in-toto+json",
  bundle: "application/vnd.dev.sigstore.bundle.v0.3+json",
  release: "application/vnd.pyline.release.v1+json",
} as const

/** One document, as ci/probe/registry reads it. */
interface Document {
  type: string
  file: string
  title?: string
  annotations?: Record<string, string>
  /** Of an image of several platforms the one that it is of. */
  platform?: string
  /** Not where there is one of this type already. */
  once?: boolean
  /** One that is the same but for its time is attached in its place. */
  timed?: boolean
}

/** What is to stand beside an image. */
export interface Documents {
  /** Bills of materials by platform. */
  sboms: Readonly<Record<string, Directory>>
  provenance: Statement
  release: Release
  /** A tag of an earlier image: what is said of both is not uploaded again. */
  like: string | undefined
  /** Signed statements, by names, with their predicate types. */
  bundles?: { directory: Directory; predicates: Readonly<Record<string, string>> } | undefined
}

/** Attaches documents to an image that is in the registry (OCI referrers). */
export async function attach(
  name: string,
  digest: string,
  { sboms, provenance, release, bundles, like }: Documents,
  login: Login | undefined,
): Promise<void> {
  let input = dag
    .directory()
    .withNewFile("release.json", `${JSON.stringify(release, undefined, 2)}\n`)
  const list: Document[] = []
  for (const [platform, directory] of Object.entries(sboms)) {
    const folder = platform.replaceAll("/", "-")
    input = input.withDirectory(folder, directory)
    // The same image has the same parts: that it is published again is no reason to say so again.
    for (const [title, type] of [
      ["sbom.cdx.json", TYPES.cyclonedx],
      ["sbom.spdx.json", TYPES.spdx],
    ] as const)
      list.push({ type, file: `${folder}/${title}`, title, platform, once: true, timed: true })
  }
  if (bundles === undefined) {
    input = input.withNewFile("provenance.json", JSON.stringify(provenance))
    const annotations = { "in-toto.io/predicate-type": PROVENANCE }
    list.push({
      type: TYPES.statement,
      file: "provenance.json",
      title: "provenance.json",
      annotations,
    })
  } else {
    input = input.withDirectory("signed", bundles.directory)
    for (const [bundle, predicateType] of Object.entries(bundles.predicates)) {
      const title = `${bundle}.sigstore.json`
      const annotations = {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": predicateType,
      }
      list.push({ type: TYPES.bundle, file: `signed/${title}`, title, annotations })
    }
  }
  list.push({ type: TYPES.release, file: "release.json", title: "release.json" })
  const more = like === undefined ? [] : ["--like", like]
  await registry(["attach", `${name}@${digest}`, "documents.json", ...more], {
    login,
    input: input.withNewFile("documents.json", JSON.stringify(list)),
  })
}
