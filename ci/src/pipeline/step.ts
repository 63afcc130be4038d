import type { Container, ContainerWithExecOpts } from "@dagger.io/dagger"
import { isExecFailure } from "./failure.ts"

/** A command, and the container that it is run in. */
export interface Step {
  before: Container
  command: string[]
}

/** What was added to containers since this program started: one call of a function. */
const steps: Step[] = []

/** `container.with(step(command))` is `container.withExec(command)` that can be found again when it fails. */
export function step(
  command: string[],
  options?: ContainerWithExecOpts,
): (before: Container) => Container {
  return (before) => {
    steps.push({ before, command })
    return before.withExec(command, options)
  }
}

/** The step that an error is of. Versions of Python have the same commands: then it is the one that fails again. */
export async function failedStep(error: unknown): Promise<Step | undefined> {
  if (!isExecFailure(error)) return undefined
  const key = JSON.stringify(error.cmd)
  const candidates = steps.filter(({ command }) => JSON.stringify(command) === key)
  if (candidates.length < 2) return candidates[0]
  for (const candidate of candidates) if (await fails(candidate)) return candidate
  return candidates[0]
}

async function fails({ before, command }: Step): Promise<boolean> {
  try {
    await before.sync()
  } catch {
    // Another step of it failed.
    return false
  }
  return before
    .withExec(command)
    .sync()
    .then(
      () => false,
      () => true,
    )
}
