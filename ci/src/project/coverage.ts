import { manifestInvalid } from "../errors.ts"
import type { Facts, Requirement } from "./facts.ts"
import type { Decision, RunnerKind } from "./plan.ts"

/** How coverage is measured, and how much is needed. */
export interface Coverage {
  /** `project`: its own addopts do; `add`: pytest-cov is told to; `run`: the runner is started under coverage.py. */
  measure: "project" | "add" | "run"
  /** Percent of all versions together. */
  needed?: Needed
  /** The configuration that pytest-cov is told of; where coverage.py looks by itself where absent. */
  config?: string
}

export interface Needed {
  percent: number
  /** `fail_under = 85 in pyproject.toml:12`, or the argument. */
  from: string
}

const OPTION = "--cov-fail-under"

/** Whether and how coverage is measured; nothing where the project does not measure it. */
export function decideCoverage(
  facts: Facts,
  runner: RunnerKind,
  installed: readonly Requirement[],
): { coverage?: Coverage; decision?: Decision } {
  const { settings, addopts } = facts
  const words = addopts?.words ?? []
  const file = addopts?.file
  const has = (name: string): boolean => installed.some((one) => one.name === name)
  const plugin = runner === "pytest" && has("pytest-cov")
  const asked = words.some((word) => /^--cov(=|$)/.test(word))
  const none = (rule: string, where?: string): { decision: Decision } => ({
    decision: {
      about: "coverage",
      value: "none",
      ...(where === undefined ? {} : { file: where }),
      rule,
      rejected: [],
    },
  })
  if (settings?.coverage === false) return none("the coverage setting", settings.file)
  if (runner === "tox" || runner === "nox") return {}
  if (plugin && refusesCoverage(words)) return none("addopts says so", file)
  const tool = has("coverage") || has("pytest-cov")
  if (!plugin && !(tool && (facts.coverage !== undefined || settings?.coverage === true))) {
    if (settings?.coverage === true)
      throw manifestInvalid([
        {
          file: settings.file,
          message: "coverage is true, and no dependency brings pytest-cov or coverage",
        },
      ])
    return facts.coverage === undefined
      ? {}
      : none(
          "it is configured, and no test dependency brings pytest-cov or coverage",
          facts.coverage.file,
        )
  }
  const measure = !plugin ? "run" : asked ? "project" : "add"
  const rule = {
    project: "addopts asks for it",
    add: "the test dependencies bring pytest-cov",
    run: "the test dependencies bring coverage, which is configured",
  }[measure]
  const needed = neededBy(facts)
  const config = optionOf(words, "--cov-config")
  const where = measure === "project" ? file : measure === "run" ? facts.coverage?.file : undefined
  return {
    coverage: {
      measure,
      ...(needed === undefined ? {} : { needed }),
      ...(config === undefined || !plugin ? {} : { config }),
    },
    decision: {
      about: "coverage",
      value: needed === undefined ? "measured" : `measured, ${needed.percent} % needed`,
      ...(where === undefined ? {} : { file: where }),
      rule: needed === undefined ? rule : `${rule}; ${needed.from}`,
      rejected: [],
    },
  }
}

/** Whether options of pytest switch pytest-cov off. */
export function refusesCoverage(words: readonly string[]): boolean {
  return words.some(
    (word, index) =>
      word === "--no-cov" ||
      /^-pno:(pytest_)?cov$/.test(word) ||
      (words[index - 1] === "-p" && /^no:(pytest_)?cov$/.test(word)),
  )
}

function neededBy({ addopts, coverage }: Facts): Needed | undefined {
  const option = optionOf(addopts?.words ?? [], OPTION)
  if (option !== undefined) return neededFrom(option, `addopts in ${addopts?.file}`)
  if (coverage?.failUnder === undefined) return undefined
  const place = coverage.line === undefined ? coverage.file : `${coverage.file}:${coverage.line}`
  return neededFrom(String(coverage.failUnder), `fail_under in ${place}`)
}

function neededFrom(value: string, from: string): Needed | undefined {
  const percent = Number(value)
  return Number.isFinite(percent) && percent > 0 ? { percent, from } : undefined
}

/** The value of an option; the last one counts. */
function optionOf(words: readonly string[], name: string): string | undefined {
  const index = words.findLastIndex((word) => word === name || word.startsWith(`${name}=`))
  if (index < 0) return undefined
  const word = words[index] as string
  return word === name ? words[index + 1] : word.slice(name.length + 1)
}

/** What is needed of a run with these arguments, or why nothing is. */
export function neededWith(
  coverage: Coverage,
  args: readonly string[],
): { needed?: Needed; why?: string } {
  const option = optionOf(args, OPTION)
  const asked = option === undefined ? undefined : neededFrom(option, OPTION)
  if (option !== undefined) return asked === undefined ? {} : { needed: asked }
  if (coverage.needed === undefined) return {}
  return isPart(args) ? { why: "it is that of a part of the tests" } : { needed: coverage.needed }
}

/** Whether arguments of pytest or unittest choose tests, so that less is covered than the suite covers. */
function isPart(args: readonly string[]): boolean {
  return args.some((arg, index) => {
    if (!arg.startsWith("-")) return /\.py(::|$)|::|\//.test(arg)
    // Leaving out the slow ones is how many run all of their tests.
    if (arg === "-m") return !args[index + 1]?.startsWith("not ")
    return /^(-k|-m.|--deselect|--ignore|--lf|--last-failed|--sw|--stepwise)/.test(arg)
  })
}
