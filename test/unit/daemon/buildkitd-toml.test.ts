import { expect, test } from "vitest"
import { buildkitdToml, cacheLimits } from "../../../engine/buildkit/config.ts"

test("buildkitd.toml", () => {
  const text = buildkitdToml({
    root: '/state/"odd"/buildkit',
    runc: "/usr/sbin/runc",
    cgroupParent: "pyline-1",
    diskBytes: 50e9,
    registries: { "docker.io": { mirrors: ["mirror.test"], http: true } },
  })
  expect(text).toMatchInlineSnapshot(`
    "root = "/state/\\"odd\\"/buildkit"

    insecure-entitlements = []

    [history]
    maxEntries = 0

    [worker.containerd]
    enabled = false

    [worker.oci]
    enabled = true
    binary = "/usr/sbin/runc"
    snapshotter = "overlayfs"
    networkMode = "host"
    defaultCgroupParent = "pyline-1"
    gc = true

    [[worker.oci.gcpolicy]]
    filters = ["type==source.local", "type==source.git.checkout"]
    keepDuration = "48h"
    maxUsedSpace = 1250000000

    [[worker.oci.gcpolicy]]
    all = true
    reservedSpace = 2500000000
    maxUsedSpace = 10000000000
    minFreeSpace = 2000000000

    [registry."docker.io"]
    mirrors = ["mirror.test"]
    http = true
    "
  `)
})

test("the cache takes a fifth of the disk, from 2 GB to 20 GB", () => {
  expect([1e9, 50e9, 1e12].map((size) => cacheLimits(size).most)).toEqual([2e9, 10e9, 20e9])
})
