import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { PackageIndex } from "../contract/servers/packages.ts"
import { folder, lastLine, pyline } from "./pyline.ts"

// An index that fails for a while, one that does for good, and failures that no second try mends.

const TESTS = `import unittest

import demo


class It(unittest.TestCase):
    def test_it(self):
        self.assertEqual(demo.VERSION, "1.0")
`

/** A project that needs one package of an index. Each index has a port of its own, so it is a new one each time. */
function project(requirements: string): string {
  const source = folder()
  mkdirSync(path.join(source, "tests"))
  writeFileSync(path.join(source, "tests/test_it.py"), TESTS)
  writeFileSync(path.join(source, "requirements.txt"), requirements)
  return source
}

let index: PackageIndex
beforeAll(async () => {
  index = await PackageIndex.start()
  index.add("demo", "1.0")
})
afterAll(() => index.down())

const test1 = (requirements: string) => pyline(["test", "--source", project(requirements)])
const tried = /trying again/g

test.concurrent("an index that answers 503 for longer than uv is patient is asked again: green", async () => {
  const flaky = await PackageIndex.start()
  flaky.add("demo", "1.0")
  flaky.script.fail(/GET \/simple\/demo/, { status: 503 }, 5)
  const run = await test1(`--index-url ${flaky.url}\ndemo==1.0\n`)
  await flaky.down()
  expect(run.exitCode, run.all).toBe(0)
  expect(lastLine(run.stdout)).toMatch(/^1 passed/)
  expect(run.stderr.match(tried)).toHaveLength(1)
  expect(run.stderr).toContain(
    "network trouble (503 Service Unavailable): trying again in 1 s, attempt 2 of 3",
  )
})

test.concurrent("a name that cannot be resolved is tried three times: exit 3", async () => {
  const run = await test1(`--index-url http://index-${Date.now()}.invalid/simple\ndemo==1.0\n`)
  expect(run.exitCode, run.all).toBe(3)
  expect(run.stderr).toMatch(
    /^error\[NETWORK\]: the network failed while the project was installed: a name could not be resolved \(3 attempts\)$/m,
  )
  expect(run.stderr.match(tried)).toHaveLength(2)
  // Three times uv's own patience, pauses and a busy machine.
  expect(run.seconds).toBeLessThan(180)
})

test.concurrent("another file than the locked one is no trouble of the network", async () => {
  const run = await test1(`--index-url ${index.url}\ndemo==1.0 --hash=sha256:${"0".repeat(63)}1\n`)
  expect(run.exitCode, run.all).toBe(2)
  expect(run.stderr).toMatch(/^error\[HASH_MISMATCH\]: a file that the project depends on/m)
  expect(run.stderr).not.toMatch(tried)
})

test.concurrent("nor is a version that does not exist", async () => {
  const run = await test1(`--index-url ${index.url}\ndemo==2.0\n`)
  expect(run.exitCode, run.all).toBe(2)
  expect(run.stderr).toContain("error[RESOLUTION_FAILED]")
  expect(run.stderr).not.toMatch(tried)
})
