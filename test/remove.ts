import { rmSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

/** Removes a folder, also when an engine that is just ending still writes there. */
export async function remove(dir: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return rmSync(dir, { recursive: true, force: true })
    } catch (error) {
      if (tries === 50) throw error
      await sleep(100)
    }
  }
}
