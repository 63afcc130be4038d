import { type Directory, dag } from "@dagger.io/dagger"
import type { Plan } from "../project/plan.ts"
import { DEFAULT } from "../project/python.ts"
import { reportProgram } from "./asset.ts"
import { files } from "./files.ts"
import { HOME, pythonImage } from "./toolbox.ts"

const PROGRAM = `${HOME}/page`
const FOLDER = "/reports"
const CONTEXT = "/context"
const OUTPUT = "/made"

/**
 * What is made of a report folder: `index.html`, and its SARIF files as hosts take them. A step of its own, so that nobody pays for
 * it who does not ask for reports.
 */
export function pageOf(folder: Directory, plan: Plan | undefined): Directory {
  const context = files({
    "context.json": JSON.stringify(plan === undefined ? {} : { plan: shown(plan) }),
  })
  return dag
    .container()
    .from(pythonImage(DEFAULT))
    .withMountedDirectory(PROGRAM, files(reportProgram()))
    .withMountedDirectory(CONTEXT, context)
    .withMountedDirectory(FOLDER, folder)
    .withExec([
      "python",
      "-B",
      `${PROGRAM}/report/report.py`,
      FOLDER,
      `${CONTEXT}/context.json`,
      OUTPUT,
    ])
    .directory(OUTPUT)
}

/** What the page shows of a plan. The texts of locks in it are long, and would make each a new page. */
const shown = ({ name, manager, python, runner, decisions, warnings }: Plan) => ({
  name,
  manager,
  python,
  runner: { kind: runner.kind },
  decisions,
  warnings,
})
