import type { Directory, Secret } from "@dagger.io/dagger"
import type { Plan } from "../project/plan.ts"
import { checkProgram } from "./asset.ts"
import { ENVIRONMENT, withUv } from "./base.ts"
import { type Checked, REPORTS, ran } from "./check.ts"
import { files } from "./files.ts"
import { installed } from "./install.ts"
import { patiently } from "./retry.ts"
import { HOME, toolbox } from "./toolbox.ts"

const INPUT = `${HOME}/input`
const RESOLVED = "/resolved.txt"
const PROGRAM = `${HOME}/program`

/** Asks for known vulnerabilities in what the plan resolves to: each distribution that is installed for the tests. */
export async function audited(
  plan: Plan,
  source: Directory,
  credentials?: Secret,
): Promise<Checked> {
  const environment = await withUv(await installed(plan, source, credentials))
  const list = environment.withExec(
    ["uv", "pip", "list", "--exclude-editable", "--format", "freeze", "--python", ENVIRONMENT],
    { redirectStdout: RESOLVED },
  )
  const resolved = await patiently(() => list.file(RESOLVED).sync())
  const manifest = plan.decisions.find(({ about }) => about === "package manager")?.file
  let input = files({ "ignore.json": JSON.stringify(plan.audit?.ignore ?? []) }).withFile(
    "resolved.txt",
    resolved,
  )
  if (manifest !== undefined) input = input.withFile("manifest", source.file(manifest))
  const container = toolbox()
    .withMountedDirectory(PROGRAM, files(checkProgram("audit")))
    .withMountedDirectory(INPUT, input)
    .withEnvVariable("PATH", `${HOME}/tools/bin:/usr/local/bin:/usr/bin:/bin`)
    .withEnvVariable("UV_SYSTEM_CERTS", "1")
    // The answer changes with the weather: what was said before is no answer.
    .withEnvVariable("PYLINE_ASKED_AT", new Date().toISOString())
  const service = plan.audit?.service
  return ran(container, "audit", [
    ...["python", "-B", `${PROGRAM}/checks/audit.py`, "--reports", REPORTS],
    ...["--resolved", `${INPUT}/resolved.txt`, "--ignore", `${INPUT}/ignore.json`],
    ...(manifest === undefined ? [] : ["--manifest", `${INPUT}/manifest`, "--as", manifest]),
    ...(service === undefined ? [] : ["--service", service]),
  ])
}
