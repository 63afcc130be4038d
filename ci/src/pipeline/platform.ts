import { dag } from "@dagger.io/dagger"
import { platformUnavailable } from "../errors.ts"
import { isExecFailure } from "./failure.ts"
import { pythonContainer } from "./toolbox.ts"

/**
 * Fails unless the engine can run programs of a machine type: its own, or one that an emulator is set up for.
 *
 * @throws PLATFORM_UNAVAILABLE
 */
export async function requirePlatform(platform: string, python: string): Promise<void> {
  const own = await dag.defaultPlatform()
  if (platform === own) return
  try {
    // It does nothing. That it cannot be started is all that can be wrong with it.
    await pythonContainer(python, platform).withExec(["true"]).sync()
  } catch (error) {
    const cannot = /exec format error/i.test(error instanceof Error ? error.message : "")
    if (cannot || isExecFailure(error)) throw platformUnavailable(platform, own)
    throw error
  }
}
