import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { RegistryConfig } from "../buildkit/config.ts"
import { EngineError } from "../daemon/error.ts"
import type { Paths } from "../daemon/paths.ts"
import { normaliseReference } from "./reference.ts"

/** Where BuildKit comes from, in the order of preference. */
export type Origin = "host" | "path" | "container" | "built"

export interface BuildkitSource {
  origin: Origin
  /** Of a BuildKit that is not ours to start. */
  address?: string
  /** Path of buildkitd. */
  program?: string
  /** Path of runc. */
  runc?: string
  version?: string
  /** The container that BuildKit runs in. */
  container?: { runtime: string; name: string; image: string }
}

/** What an image reference stands for here: an OCI layout on disk, or another reference. */
export type ImageSubstitute =
  | { ociLayout: string; digest: string; note?: string; key?: string }
  | { ref: string; note?: string }

/** `engine.json`: what set-up found and made. `images`, `registries`, `network`, `caBundle` may be edited. */
export interface EngineConfig {
  /** The set-up this file is of; another one makes set-up run again. */
  key: string
  bin: string
  buildkit: BuildkitSource
  images: Record<string, ImageSubstitute>
  registries: Record<string, RegistryConfig>
  /** `host`: services get no addresses of their own, and the firewall is left alone. */
  network?: "host"
  /** PEM file of the certificate authorities which this machine trusts besides the public ones. */
  caBundle?: string
  /** Registries that were asked for, and whether they answered. */
  probes: Record<string, { answers: boolean; at: string }>
}

export function emptyConfig(paths: Paths): EngineConfig {
  return {
    key: "",
    bin: join(paths.bin, "none"),
    buildkit: { origin: "built" },
    images: {},
    registries: {},
    probes: {},
  }
}

/** Reads `engine.json`; what it does not say has its default. Throws EngineError CONFIG_INVALID. */
export function loadConfig(paths: Paths): EngineConfig {
  let text: string
  try {
    text = readFileSync(paths.config, "utf8")
  } catch {
    return emptyConfig(paths)
  }
  try {
    const value = JSON.parse(text)
    if (typeof value !== "object" || value === null) throw new TypeError("it is not a JSON object")
    return { ...emptyConfig(paths), ...value }
  } catch (error) {
    throw new EngineError(
      "CONFIG_INVALID",
      `${paths.config} cannot be read: ${(error as Error).message}`,
      {
        fix: `correct it, or delete it and run: pyline setup`,
        cause: error,
      },
    )
  }
}

export function saveConfig(paths: Paths, config: EngineConfig): void {
  const temporary = `${paths.config}.${process.pid}`
  writeFileSync(temporary, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
  renameSync(temporary, paths.config)
}

/**
 * What to use in place of an image, if anything. Keys of `images` are references in any form.
 *
 * @example lookupImage(config, "python:3.11-slim") // {ociLayout: "/…/images/python-3.11-slim", digest: "sha256:…"}
 */
export function lookupImage(config: EngineConfig, ref: string): ImageSubstitute | undefined {
  const wanted = normaliseReference(ref)
  for (const [name, substitute] of Object.entries(config.images)) {
    if (normaliseReference(name) === wanted) return substitute
  }
  return undefined
}

/** The image under other tags that this machine has without a registry: `python:3.11-slim` for `python:3.12-slim`. */
export function otherTags(config: EngineConfig, ref: string): string[] {
  const repository = (name: string) =>
    normaliseReference(name).replace(/(?::[^/@:]*)?(?:@.*)?$/, "")
  return Object.entries(config.images)
    .filter(([name, image]) => "ociLayout" in image && repository(name) === repository(ref))
    .map(([name]) => name.replace(/^docker\.io\/(?:library\/)?/, ""))
    .sort()
}
