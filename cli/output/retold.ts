import type { Result, Run } from "../../ci/src/pipeline/result.ts"
import { clean } from "./clean.ts"
import type { Step } from "./steps.ts"
import { title } from "./title.ts"

/** More red tests than these are in the reports. */
const MOST = 10

/**
 * What red tests said whose step was answered from the cache: nobody saw it go by.
 *
 * @returns nothing where all of it was seen
 */
export function retold(result: Result, steps: Iterable<Step>): string {
  const seen = new Set([...steps].filter(({ log }) => !log.isEmpty).map(({ name }) => title(name)))
  return result.runs
    .filter((run) => run.verdict !== "passed" && run.verdict !== "errored")
    .filter((run) => !seen.has(`exec ${run.runner} (${run.name})`))
    .flatMap(told)
    .join("\n")
}

function told(run: Run): string[] {
  const said = run.failures.filter(({ text, output }) => text !== undefined || output !== undefined)
  const lines = said
    .slice(0, MOST)
    .flatMap(({ id, text, output }) => [
      `_____ ${id} _____`,
      ...(text ?? "").split("\n"),
      ...(output === undefined ? [] : output.split("\n")),
      "",
    ])
  const shown = lines.length > 0 ? lines : run.tail
  if (shown.length === 0) return []
  const more = said.length - MOST
  return [
    `── what the tests on Python ${run.python} said when they ran`,
    ...shown.map((line) => clean(line, false)),
    ...(more > 0 ? [`and ${more} more: pyline reports -o reports`] : []),
    "──",
  ]
}
