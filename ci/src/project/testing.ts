import { type Coverage, decideCoverage } from "./coverage.ts"
import type { Facts, Requirement } from "./facts.ts"
import type { Decision, RunnerKind } from "./plan.ts"
import { decideWorkers } from "./workers.ts"

/** How tests are run beside by which runner. Parts that a project says nothing about are absent. */
export interface Testing {
  coverage?: Coverage
  /** Tests side by side in one container, with pytest-xdist. */
  workers?: "auto" | number
}

export function decideTesting(
  facts: Facts,
  runner: RunnerKind,
  installed: readonly Requirement[],
): { testing: Testing; decisions: Decision[] } {
  const { coverage, decision: measured } = decideCoverage(facts, runner, installed)
  const { workers, decision: spread } = decideWorkers(facts, runner, installed, coverage)
  return {
    testing: {
      ...(coverage === undefined ? {} : { coverage }),
      ...(workers === undefined ? {} : { workers }),
    },
    decisions: [measured ?? [], spread ?? []].flat(),
  }
}
