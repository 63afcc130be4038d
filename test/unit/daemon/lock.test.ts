import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { expect, test } from "vitest"
import { tryLock, waitLock } from "../../../engine/daemon/lock.ts"
import { temporaryDir } from "./temporary.ts"

test("one at a time, and again after it was released", async () => {
  const file = join(temporaryDir(), "lock")
  const release = tryLock(file)
  expect(release).toBeDefined()
  expect(tryLock(file)).toBeUndefined()
  const waiting = waitLock(file)
  release?.()
  ;(await waiting)()
  tryLock(file)?.()
})

test("a lock is gone with a process that was killed", async () => {
  const file = join(temporaryDir(), "lock")
  const holder = spawn("flock", ["-x", file, "sleep", "60"], { detached: true })
  await expect.poll(() => tryLock(file) === undefined).toBe(true)
  process.kill(-(holder.pid as number), "SIGKILL")
  await once(holder, "exit")
  const release = await waitLock(file)
  release()
})
