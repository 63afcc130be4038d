/** IPv4 addresses as numbers: just enough to find a range that nobody uses. */

export interface Route {
  device: string
  /** The network, and which bits of it count; 0 and 0 is the default route. */
  network: number
  mask: number
}

export const toNumber = (address: string): number =>
  address.split(".").reduce((n, part) => n * 256 + Number(part), 0)

export const toAddress = (n: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join(".")

/** The first address of a range `a.b.c.0/24`, which is the machine's own in it. */
export function addressesIn(subnet: string): {
  gateway: string
  contains(address: string): boolean
} {
  const [base = "", bits = "24"] = subnet.split("/")
  const first = toNumber(base)
  const size = 2 ** (32 - Number(bits))
  return {
    gateway: toAddress(first + 1),
    contains: (address) => {
      const n = toNumber(address)
      return n >= first && n < first + size
    },
  }
}

/** Reads `/proc/net/route`, whose numbers are in the byte order of the machine: little-endian. */
export function readRoutes(text: string): Route[] {
  const swap = (hex: string) => Buffer.from(hex, "hex").readUInt32LE()
  return text
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields.length >= 8)
    .map(([device = "", network = "", , , , , , mask = ""]) => ({
      device,
      network: swap(network),
      mask: swap(mask),
    }))
}

/**
 * A range of 254 addresses within 10.128.0.0/9 that no route leads to and no resolver is in. The
 * same hash gives the same range as long as that is free.
 */
export function subnetFor(hash: Buffer, routes: Route[], resolvers: string[]): string | undefined {
  const size = 256
  const ranges = 2 ** 15
  for (let i = 0; i < 1000; i++) {
    const base = toNumber("10.128.0.0") + ((hash.readUInt16BE(0) + i) % ranges) * size
    const last = base + size - 1
    const taken = routes.some((r) => {
      const from = (r.network & r.mask) >>> 0
      const to = (r.network | ~r.mask) >>> 0
      // The default route leads everywhere.
      return r.mask !== 0 && from <= last && to >= base
    })
    const subnet = `${toAddress(base)}/24`
    if (!taken && !resolvers.some((address) => addressesIn(subnet).contains(address))) return subnet
  }
  return undefined
}
