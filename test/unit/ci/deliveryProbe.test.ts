import { execFile } from "node:child_process"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { probeDirectory } from "./fixtures.ts"

/** What a Python program prints that has the modules of ci/probe. */
async function python(code: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PYTHONPATH: probeDirectory }
  return (await promisify(execFile)("python3", ["-B", "-c", code, ...args], { env })).stdout
}

test("an address that answers in drops is given up", async () => {
  const drops = createServer((socket) => {
    socket.on("error", () => {})
    socket.write("HTTP/1.1 200 OK\r\nX-Drop: ")
    const drip = setInterval(() => socket.write("."), 100)
    socket.on("close", () => clearInterval(drip))
  })
  await new Promise<void>((resolve) => drops.listen(0, "127.0.0.1", resolve))
  try {
    const url = `http://127.0.0.1:${(drops.address() as AddressInfo).port}/ä`
    const code = `
import sys
from delivery import web
web._WHOLE_S = 1
try:
    web.get(sys.argv[1])
except web.Unreachable as error:
    print(error)
`
    expect(await python(code, url)).toBe(`${url} does not answer (not all of it came within 1 s)\n`)
  } finally {
    drops.close()
  }
})

test("a record that is not what others go by is none", async () => {
  const code = `
from delivery import ledger
good = {"seq": 1, "at": "2026-03-01T10:00:00Z", "event": "invalid", "digest": "sha256:" + 64 * "a", "failures": ["no"]}
def is_sound(**other):
    try:
        return ledger._is_sound({**good, **other})
    except TypeError:
        return False
print(is_sound(), is_sound(source={"environment": "staging"}))
bad = [{"why": {}}, {"by": 3}, {"failures": "no"}, {"failures": [{}]}, {"source": []}, {"source": {"environment": 1}}, {"digest": "sha256:a"}]
print([is_sound(**other) for other in bad])
`
  expect(await python(code)).toBe(`True True\n[${Array(7).fill("False").join(", ")}]\n`)
})

test("a port that an image names is one, or is passed over", async () => {
  const code = `
from delivery.targets.docker_host import DockerHost
class Host(DockerHost):
    def __init__(self):
        self.environment = {}
    def __getattr__(self, name):
        raise AttributeError(name)
Host.__abstractmethods__ = frozenset()
ports = lambda label, *exposed: Host().port({"Config": {"Labels": label and {"dev.pyline.port": label}, "ExposedPorts": {each: {} for each in exposed}}})
print(ports(None), ports("x", "8080/tcp"), ports("9000", "8080/tcp"), ports(None, "8000-8010/tcp", "443/tcp", "80/tcp"))
`
  expect(await python(code)).toBe("8000 8080 9000 80\n")
})
