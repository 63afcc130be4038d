import type { ServiceNetwork } from "./network.ts"

/** A registry as BuildKit's own configuration describes it (docs/buildkitd.toml.md, `[registry]`). */
export interface RegistryConfig {
  mirrors?: string[]
  http?: boolean
  insecure?: boolean
  ca?: string[]
}

/** What buildkitd.toml is made of; sizes in bytes. */
export interface BuildkitConfig {
  root: string
  runc: string
  cgroupParent: string
  /** Size of the disk that holds the cache. */
  diskBytes: number
  registries: Record<string, RegistryConfig>
  network: ServiceNetwork
}

const gigabyte = 1e9

/**
 * How much the cache may take: a fifth of its disk, at least 2 GB and at most 20 GB, and less
 * when the disk gets full for other reasons.
 */
export function cacheLimits(diskBytes: number) {
  const most = Math.max(2 * gigabyte, Math.min(20 * gigabyte, Math.floor(diskBytes / 5)))
  return {
    most,
    kept: Math.floor(most / 4),
    free: Math.min(2 * gigabyte, Math.floor(diskBytes / 10)),
  }
}

/** The text of buildkitd.toml. */
export function buildkitdToml(config: BuildkitConfig): string {
  const { most, kept, free } = cacheLimits(config.diskBytes)
  const registries = Object.entries(config.registries).map(([host, registry]) => {
    const lines = Object.entries(registry).map(([key, value]) => `${key} = ${toml(value)}`)
    return [`[registry.${toml(host)}]`, ...lines].join("\n")
  })
  return `${[
    `root = ${toml(config.root)}`,
    // Steps have the machine's network, but those that use a service. They can ask for no privilege.
    'insecure-entitlements = ["network.host"]',
    // A record of each build costs a database write a solve and nobody reads it.
    "[history]\nmaxEntries = 0",
    "[worker.containerd]\nenabled = false",
    [
      "[worker.oci]",
      "enabled = true",
      `binary = ${toml(config.runc)}`,
      'snapshotter = "overlayfs"',
      ...networkToml(config.network),
      `defaultCgroupParent = ${toml(config.cgroupParent)}`,
      "gc = true",
    ].join("\n"),
    // First what is cheap to make again, then the rest by last use.
    [
      "[[worker.oci.gcpolicy]]",
      'filters = ["type==source.local", "type==source.git.checkout"]',
      'keepDuration = "48h"',
      `maxUsedSpace = ${Math.floor(most / 8)}`,
    ].join("\n"),
    [
      "[[worker.oci.gcpolicy]]",
      "all = true",
      `reservedSpace = ${kept}`,
      `maxUsedSpace = ${most}`,
      `minFreeSpace = ${free}`,
    ].join("\n"),
    ...registries,
  ].join("\n\n")}\n`
}

/** Addresses are made ahead of time: one takes a tenth of a second. */
const PREPARED = 2

function networkToml(network: ServiceNetwork): string[] {
  if (network.kind === "host") return ['networkMode = "host"']
  return [
    'networkMode = "cni"',
    `cniConfigPath = ${toml(network.config)}`,
    `cniBinaryPath = ${toml(network.plugins)}`,
    `cniPoolSize = ${PREPARED}`,
  ]
}

// JSON's strings, numbers, booleans and arrays of them are TOML's too.
function toml(value: unknown): string {
  return JSON.stringify(value)
}
