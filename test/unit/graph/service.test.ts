import { expect, test } from "vitest"
import { scratch } from "../../../engine/graph/container.ts"
import {
  asService,
  bind,
  endpoint,
  hostnameOf,
  hostsFile,
  portsOf,
} from "../../../engine/graph/service.ts"
import type { Port } from "../../../engine/graph/values.ts"
import { defaultPlatform } from "../../../engine/llb/vertex.ts"

const port = (number: number): Port => ({
  kind: "Port",
  port: number,
  protocol: "TCP",
  experimentalSkipHealthcheck: false,
})

const sleep = (seconds: string) => asService(scratch(defaultPlatform), { args: ["sleep", seconds] })

test("a host name is made of the key", () => {
  expect(hostnameOf("a")).toMatch(/^[0-9a-z]{13}$/)
  expect(hostnameOf("a")).toBe(hostnameOf("a"))
  expect(hostnameOf("a")).not.toBe(hostnameOf("b"))
})

test("endpoints", () => {
  expect(endpoint("h", [port(80), port(81)])).toBe("h:80")
  expect(endpoint("h", [port(80)], 81, "http")).toBe("http://h:81")
  expect(() => endpoint("h", [])).toThrow("no ports exposed")
})

test("a service without a command is refused", () => {
  expect(() => asService(scratch(defaultPlatform), {})).toThrow("no command has been set")
})

test("an alias stands for the last service that was bound to it", () => {
  const c = bind(bind(scratch(defaultPlatform), { alias: "db", service: sleep("1") }), {
    alias: "db",
    service: sleep("2"),
  })
  expect(c.bindings).toEqual([{ alias: "db", service: sleep("2") }])
})

test("ports of the host answer at their frontends", () => {
  const service = {
    kind: "Service" as const,
    from: {
      type: "host" as const,
      host: "localhost",
      ports: [{ backend: 5432, frontend: 80 }, { backend: 6379 }],
    },
    hostname: "",
  }
  expect(portsOf(service).map((p) => p.port)).toEqual([80, 6379])
})

test("a file of hosts", () => {
  expect(hostsFile([{ address: "10.1.2.3", names: ["db", "db"] }])).toBe(
    "127.0.0.1 localhost buildkitsandbox\n::1 localhost ip6-localhost ip6-loopback\n10.1.2.3 db\n",
  )
})
