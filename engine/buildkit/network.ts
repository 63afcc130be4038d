import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { log } from "../daemon/log.ts"
import type { Paths } from "../daemon/paths.ts"
import { which } from "../setup/which.ts"
import { addressesIn, type Route, readRoutes, subnetFor } from "./subnet.ts"

/** The network of services: a bridge of this machine, where each service has an address. */
export interface BridgeNetwork {
  kind: "bridge"
  /** Name of the bridge device. */
  bridge: string
  /** `10.1.2.0/24`; the first address is this machine's. */
  subnet: string
  gateway: string
  /** The configuration that BuildKit gives to the CNI plug-ins, and where these are. */
  config: string
  plugins: string
}

/** No network of their own: what services open is open on this machine's loopback interface. */
export interface HostNetwork {
  kind: "host"
  why: string
}

export type ServiceNetwork = BridgeNetwork | HostNetwork

/** Where the CNI plug-ins are, below the folder of the programs: `bridge` is the name of one of ours, too. */
export const PLUGINS = "cni"

/** Folder of the plug-ins' notes: a tmpfs that only BuildKit and its children see, gone with them. */
export const NOTES = "/var/lib/cni"

/**
 * Makes this machine ready for the network of services. The device and the rules have a name that
 * is this state directory's alone, so that what a killed engine left is found and used again.
 */
export function prepareNetwork(
  paths: Paths,
  { bin, network }: { bin: string; network?: "host" | undefined },
): ServiceNetwork {
  if (network === "host") return { kind: "host", why: `${paths.config} says so` }
  const plugins = join(bin, PLUGINS)
  if (!existsSync(join(plugins, "bridge"))) {
    return { kind: "host", why: "the CNI plug-ins were not built" }
  }
  const hash = createHash("sha256").update(paths.state).digest()
  const bridge = `pyline-${hash.toString("hex").slice(0, 8)}`
  const { routes, mtu } = otherRoutes(bridge)
  const subnet = subnetFor(hash, routes, nameservers())
  if (subnet === undefined) return { kind: "host", why: "there is no free range of addresses" }
  const refused = setRules(bridge, subnet)
  if (refused) return { kind: "host", why: refused }
  const { gateway } = addressesIn(subnet)
  const config = join(paths.state, "cni.conflist")
  writeFileSync(config, conflist(bridge, subnet, mtu))
  return { kind: "bridge", bridge, subnet, gateway, config, plugins }
}

/** Takes the device and the rules away again. No BuildKit of this state directory runs any more. */
export function removeNetwork(network: BridgeNetwork): void {
  clearRules(network.bridge, network.subnet)
  run("ip", ["link", "delete", network.bridge])
}

/** What the plug-ins are told. Masquerading is our own rule: theirs would be one a container. */
export function conflist(bridge: string, subnet: string, mtu?: number): string {
  return JSON.stringify({
    cniVersion: "1.0.0",
    name: bridge,
    plugins: [
      {
        type: "bridge",
        bridge,
        isDefaultGateway: true,
        forceAddress: true,
        hairpinMode: true,
        ...(mtu && { mtu }),
        ipam: { type: "host-local", ranges: [[{ subnet }]] },
      },
    ],
  })
}

interface Rule {
  table: string
  chain: string
  rule: string[]
}

/** From the containers everywhere, and answers back; nobody else is let in. */
export function rulesFor(bridge: string, subnet: string): Rule[] {
  const note = ["-m", "comment", "--comment", bridge]
  return [
    {
      table: "nat",
      chain: "POSTROUTING",
      rule: ["-s", subnet, "!", "-o", bridge, ...note, "-j", "MASQUERADE"],
    },
    { table: "filter", chain: "FORWARD", rule: ["-i", bridge, ...note, "-j", "ACCEPT"] },
    {
      table: "filter",
      chain: "FORWARD",
      rule: [
        ...["-o", bridge, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"],
        ...[...note, "-j", "ACCEPT"],
      ],
    },
    { table: "filter", chain: "INPUT", rule: ["-i", bridge, ...note, "-j", "ACCEPT"] },
  ]
}

/** The same for a machine that has nftables only: a table of our own, made anew each time. */
export const nftTable = (bridge: string, subnet: string): string => `table ip ${bridge}
delete table ip ${bridge}
table ip ${bridge} {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr ${subnet} oifname != "${bridge}" masquerade
  }
}
`

/** Why it could not be done, if so. */
function setRules(bridge: string, subnet: string): string | undefined {
  if (which("iptables")) {
    for (const { table, chain, rule } of rulesFor(bridge, subnet)) {
      if (run("iptables", ["-w", "5", "-t", table, "-C", chain, ...rule]).ok) continue
      // First in its chain: what is appended behind a general refusal would never be reached.
      const added = run("iptables", ["-w", "5", "-t", table, "-I", chain, ...rule])
      if (!added.ok) {
        clearRules(bridge, subnet)
        return `iptables: ${added.said}`
      }
    }
    return undefined
  }
  if (which("nft")) {
    const made = run("nft", ["-f", "-"], nftTable(bridge, subnet))
    return made.ok ? undefined : `nft: ${made.said}`
  }
  return "there is neither iptables nor nft on this machine"
}

function clearRules(bridge: string, subnet: string): void {
  if (which("iptables")) {
    for (const { table, chain, rule } of rulesFor(bridge, subnet)) {
      run("iptables", ["-w", "5", "-t", table, "-D", chain, ...rule])
    }
  } else if (which("nft")) run("nft", ["delete", "table", "ip", bridge])
}

function run(program: string, args: string[], input = ""): { ok: boolean; said: string } {
  const path = which(program)
  if (!path) return { ok: false, said: `${program} not found` }
  const { status, stderr } = spawnSync(path, args, { input, encoding: "utf8", timeout: 10_000 })
  return { ok: status === 0, said: (stderr ?? "").trim().split("\n")[0] ?? "" }
}

/** The routes of this machine but those of our own bridge, and the MTU of the way out. */
function otherRoutes(bridge: string): { routes: Route[]; mtu?: number } {
  try {
    const routes = readRoutes(readFileSync("/proc/net/route", "utf8"))
    const out = routes.find((r) => r.mask === 0)?.device
    const mtu = out && Number(readFileSync(`/sys/class/net/${out}/mtu`, "utf8"))
    return { routes: routes.filter((r) => r.device !== bridge), ...(mtu && { mtu }) }
  } catch (error) {
    log(`the routes of this machine cannot be read: ${(error as Error).message}`)
    return { routes: [] }
  }
}

/** The resolvers that /etc/resolv.conf names. */
export function nameservers(file = "/etc/resolv.conf"): string[] {
  try {
    return [...readFileSync(file, "utf8").matchAll(/^\s*nameserver\s+(\S+)/gm)].map(
      (m) => m[1] as string,
    )
  } catch {
    return []
  }
}
