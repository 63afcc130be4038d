import type { Facts, ForFactors } from "./facts.ts"

/** Environments of tox or sessions of nox that test on a version of Python. */
export interface Sessions {
  /** None for those that the tool itself takes. */
  names: string[]
  rule: string
  rejected: { value: string; why: string }[]
}

const TESTS = /^(?:unit[-_]?|run[-_]?)?(?:tests?|pytest|testing)(?:[-_].+)?$/
const ANY_PYTHON = /^(?:py|py3|python|python3)$/
const A_PYTHON = /^(?:(?:py|pypy)?[23]\.?\d*t?|pypy)$/
const NO_TESTS =
  /^(?:lint|linters?|flake8|ruff|pylint|isort|black|style|format|mypy|pyright|types?|typing|typecheck|docs?|sphinx|build|dist|package|pkg|release|publish|clean|report|coverage|pre-?commit|safety|bandit|audit|manifest)$/

/** Which of them a run of the tests on a version of Python is: those of the setting, else those with fitting names. */
export function sessionsOf(facts: Facts, kind: "tox" | "nox", python: string): Sessions {
  const all = facts.sessions?.[kind]?.names ?? []
  const asked = facts.settings?.sessions
  if (asked !== undefined) return chosen(all, asked, "the sessions setting")
  return kind === "tox" ? environments(all, python) : sessions(all)
}

function environments(all: readonly string[], python: string): Sessions {
  const factors = (name: string): string[] => name.split("-")
  const tests = all.filter((name) => !factors(name).some((factor) => NO_TESTS.test(factor)))
  const minor = python.split(".")[1]
  const own = new RegExp(`^(?:py)?3\\.?${minor}$`)
  const exact = tests.filter((name) => factors(name).some((factor) => own.test(factor)))
  if (exact.length > 0) return chosen(all, exact, `they are for Python ${python}`)
  const any = tests.filter(
    (name) =>
      !factors(name).some((factor) => A_PYTHON.test(factor)) &&
      (TESTS.test(name) || factors(name).some((factor) => ANY_PYTHON.test(factor))),
  )
  if (any.length > 0) return chosen(all, any, "they are for any Python")
  return chosen(all, ["py"], `no environment of its list is for Python ${python}`)
}

function sessions(all: readonly string[]): Sessions {
  const exact = all.filter((name) => name === "tests" || name === "test")
  if (exact.length > 0) return chosen(all, exact, "it is named after tests")
  const named = all.filter((name) => TESTS.test(name))
  if (named.length > 0) return chosen(all, named, "they are named after tests")
  return {
    names: [],
    rule: "no session is named after tests: those that nox takes itself",
    rejected: [],
  }
}

const chosen = (all: readonly string[], names: string[], rule: string): Sessions => ({
  names,
  rule,
  rejected: all
    .filter((name) => !names.includes(name))
    .slice(0, 12)
    .map((value) => ({ value, why: "not chosen" })),
})

/** Of the lines that tox has for some environments the ones of this environment. */
export function linesFor<T>(lines: readonly ForFactors<T>[], environment: string): ForFactors<T>[] {
  const own = new Set(environment.split("-"))
  return lines.filter(
    ({ factors }) =>
      factors === undefined ||
      factors
        .split(",")
        .some((all) =>
          all
            .split("-")
            .every((factor) =>
              factor.startsWith("!") ? !own.has(factor.slice(1)) : own.has(factor),
            ),
        ),
  )
}
