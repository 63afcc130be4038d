import { expect, test } from "vitest"
import { buildkitdToml, cacheLimits } from "../../../engine/buildkit/config.ts"

test("buildkitd.toml", () => {
  const text = buildkitdToml({
    root: '/state/"odd"/buildkit',
    runc: "/usr/sbin/runc",
    cgroupParent: "pyline-1",
    diskBytes: 50e9,
    registries: { "docker.io": { mirrors: ["mirror.test"], http: true } },
    network: { kind: "host", why: "" },
  })
  expect(text).toMatchInlineSnapshot(`
    "root = "/state/\\"odd\\"/buildkit"

    insecure-entitlements = ["network.host"]

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

test("a network for services", () => {
  const text = buildkitdToml({
    root: "/r",
    runc: "/usr/sbin/runc",
    cgroupParent: "pyline-1",
    diskBytes: 50e9,
    registries: {},
    network: {
      kind: "bridge",
      bridge: "pyline-1",
      subnet: "10.1.2.0/24",
      gateway: "10.1.2.1",
      config: "/s/cni.conflist",
      plugins: "/s/bin/cni",
    },
  })
  expect(text.split("\n").filter((line) => /network|cni/.test(line))).toEqual([
    'insecure-entitlements = ["network.host"]',
    'networkMode = "cni"',
    'cniConfigPath = "/s/cni.conflist"',
    'cniBinaryPath = "/s/bin/cni"',
    "cniPoolSize = 2",
  ])
})

test("the cache takes a fifth of the disk, from 2 GB to 20 GB", () => {
  expect([1e9, 50e9, 1e12].map((size) => cacheLimits(size).most)).toEqual([2e9, 10e9, 20e9])
})
