import { expect, test } from "vitest"
import { conflist, nftTable, rulesFor } from "../../../engine/buildkit/network.ts"

test("what the plug-ins are told", () => {
  expect(JSON.parse(conflist("pyline-1", "10.1.2.0/24", 1450))).toMatchInlineSnapshot(`
    {
      "cniVersion": "1.0.0",
      "name": "pyline-1",
      "plugins": [
        {
          "bridge": "pyline-1",
          "forceAddress": true,
          "hairpinMode": true,
          "ipam": {
            "ranges": [
              [
                {
                  "subnet": "10.1.2.0/24",
                },
              ],
            ],
            "type": "host-local",
          },
          "isDefaultGateway": true,
          "mtu": 1450,
          "type": "bridge",
        },
      ],
    }
  `)
})

test("each rule names its bridge, so that it can be found again", () => {
  const rules = rulesFor("pyline-1", "10.1.2.0/24")
  expect(rules.map((r) => `${r.table} ${r.chain} ${r.rule.join(" ")}`)).toMatchInlineSnapshot(`
    [
      "nat POSTROUTING -s 10.1.2.0/24 ! -o pyline-1 -m comment --comment pyline-1 -j MASQUERADE",
      "filter FORWARD -i pyline-1 -m comment --comment pyline-1 -j ACCEPT",
      "filter FORWARD -o pyline-1 -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment pyline-1 -j ACCEPT",
      "filter INPUT -i pyline-1 -m comment --comment pyline-1 -j ACCEPT",
    ]
  `)
})

test("the same for nftables", () => {
  expect(nftTable("pyline-1", "10.1.2.0/24")).toMatchInlineSnapshot(`
    "table ip pyline-1
    delete table ip pyline-1
    table ip pyline-1 {
      chain postrouting {
        type nat hook postrouting priority srcnat;
        ip saddr 10.1.2.0/24 oifname != "pyline-1" masquerade
      }
    }
    "
  `)
})
