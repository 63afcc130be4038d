import { describe, expect, test } from "vitest"
import {
  addressesIn,
  readRoutes,
  subnetFor,
  toAddress,
  toNumber,
} from "../../../engine/buildkit/subnet.ts"

const route = (cidr: string, device = "eth0") => {
  const [address = "", bits = "32"] = cidr.split("/")
  return { device, network: toNumber(address), mask: (-1 << (32 - Number(bits))) >>> 0 }
}
const hash = Buffer.from([0x05, 0x6d])

test("numbers and addresses", () => {
  expect(toAddress(toNumber("255.1.0.254"))).toBe("255.1.0.254")
  expect(addressesIn("10.1.2.0/24").gateway).toBe("10.1.2.1")
  expect(
    ["10.1.1.255", "10.1.2.0", "10.1.2.255", "10.1.3.0"].map(addressesIn("10.1.2.0/24").contains),
  ).toEqual([false, true, true, false])
})

test("/proc/net/route", () => {
  const text = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
`
  expect(readRoutes(text).map((r) => [r.device, toAddress(r.network), toAddress(r.mask)])).toEqual([
    ["eth0", "0.0.0.0", "0.0.0.0"],
    ["eth0", "192.0.2.0", "255.255.255.0"],
  ])
})

describe("a range of addresses", () => {
  test("is always the same", () => {
    expect(subnetFor(hash, [], [])).toBe("10.133.109.0/24")
    expect(subnetFor(hash, [route("0.0.0.0/0"), { device: "eth0", network: 0, mask: 0 }], [])).toBe(
      "10.133.109.0/24",
    )
  })
  test("makes way for routes, wide and narrow, and for resolvers", () => {
    expect(subnetFor(hash, [route("10.133.109.0/24")], [])).toBe("10.133.110.0/24")
    expect(subnetFor(hash, [route("10.133.109.7/32")], [])).toBe("10.133.110.0/24")
    expect(subnetFor(hash, [route("10.133.0.0/16")], [])).toBe("10.134.0.0/24")
    expect(subnetFor(hash, [], ["10.133.109.53", "::1"])).toBe("10.133.110.0/24")
  })
  test("may not be had", () => {
    expect(subnetFor(hash, [route("10.0.0.0/8")], [])).toBeUndefined()
  })
})
