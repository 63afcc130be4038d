import { type Coverage, decideCoverage } from "./coverage.ts"
import type { Facts, Requirement } from "./facts.ts"
import type { Decision, RunnerKind } from "./plan.ts"
import { decideServices, type Service } from "./services.ts"
import { decideWorkers } from "./workers.ts"

/** How tests are run beside by which runner. Parts that a project says nothing about are absent. */
export interface Testing {
  coverage?: Coverage
  /** Tests side by side in one container, with pytest-xdist. */
  workers?: "auto" | number
  /** What runs beside the tests. */
  services?: Service[]
}

export function decideTesting(
  facts: Facts,
  runner: RunnerKind,
  installed: readonly Requirement[],
): { testing: Testing; decisions: Decision[] } {
  const { coverage, decision: measured } = decideCoverage(facts, runner, installed)
  const { workers, decision: spread } = decideWorkers(facts, runner, installed, coverage)
  const { services, decision: beside } = decideServices(facts.settings)
  return {
    testing: {
      ...(coverage === undefined ? {} : { coverage }),
      ...(workers === undefined ? {} : { workers }),
      ...(services === undefined ? {} : { services }),
    },
    decisions: [measured ?? [], spread ?? [], beside ?? []].flat(),
  }
}
