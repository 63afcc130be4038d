import { ensureEngine } from "../../engine/setup/setup.ts"
import type { Options } from "../args/request.ts"
import { EXIT, type ExitCode } from "../exit.ts"
import { chooseReporter } from "../output/choose.ts"
import { setupReport } from "../output/setup.ts"
import type { Context } from "./context.ts"
import { outcome } from "./outcome.ts"

/** `pyline setup`: everything that the embedded engine needs, now instead of at the first run. */
export async function setup(force: boolean, options: Options, context: Context): Promise<ExitCode> {
  const reporter = await chooseReporter(options.progress, process.env)
  try {
    const work = ensureEngine({
      force,
      report: setupReport(reporter),
    })
    await Promise.race([work, context.interruption().promise])
    reporter.finish("good")
    context.print("ready")
    return EXIT.good
  } catch (error) {
    reporter.finish(outcome(error))
    throw error
  }
}
