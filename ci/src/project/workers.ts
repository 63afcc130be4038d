import { manifestInvalid } from "../errors.ts"
import type { Coverage } from "./coverage.ts"
import type { Facts, Requirement } from "./facts.ts"
import type { Decision, RunnerKind } from "./plan.ts"

/** Options of pytest that say themselves how many tests run side by side, or that cannot be had side by side. */
const DECIDES = /^(-n|--numprocesses|--dist|--tx|-s$|--capture=no|--pdb|--trace|--no-xdist)/

/** How many tests run side by side: `auto` where the project has pytest-xdist and does not say. */
export function decideWorkers(
  facts: Facts,
  runner: RunnerKind,
  installed: readonly Requirement[],
  coverage: Coverage | undefined,
): { workers?: "auto" | number; decision?: Decision } {
  const { settings, addopts } = facts
  const xdist = runner === "pytest" && installed.some(({ name }) => name === "pytest-xdist")
  const wanted = settings?.workers
  if (wanted !== undefined && !xdist && wanted > 1) {
    const message = `workers is ${wanted}, and no test dependency brings pytest-xdist`
    throw manifestInvalid([{ file: settings?.file ?? "", message }])
  }
  if (!xdist || decidesWorkers(addopts?.words ?? [])) return {}
  const decision = (value: string, rule: string, file?: string): Decision => ({
    about: "workers",
    value,
    ...(file === undefined ? {} : { file }),
    rule,
    rejected: [],
  })
  if (wanted !== undefined) {
    const chosen = decision(`${wanted}`, "the workers setting", settings?.file)
    return wanted > 1 ? { workers: wanted, decision: chosen } : { decision: chosen }
  }
  if (coverage?.measure === "run")
    return { decision: decision("1", "coverage.py alone does not measure workers of pytest-xdist") }
  return {
    workers: "auto",
    decision: decision("one a CPU, at most 8", "the test dependencies bring pytest-xdist"),
  }
}

/** Whether options of pytest leave nothing to decide. */
export function decidesWorkers(words: readonly string[]): boolean {
  return words.some(
    (word, index) =>
      DECIDES.test(word) ||
      (words[index - 1] === "-p" && word === "no:xdist") ||
      word === "-pno:xdist",
  )
}
