import { execFileSync, spawnSync } from "node:child_process"
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { decide } from "../../../ci/src/project/decide.ts"
import type { Facts } from "../../../ci/src/project/facts.ts"
import type { Plan } from "../../../ci/src/project/plan.ts"
import { SUPPORTED } from "../../../ci/src/project/python.ts"
import type { Evidence } from "../../../ci/src/project/runner.ts"

const root = fileURLToPath(new URL("../../../", import.meta.url))
export const probeDirectory = join(root, "ci/probe")
const fixtures = join(root, "test/fixtures")

export const fixtureNames: string[] = readdirSync(fixtures)
  .filter((name) => statSync(join(fixtures, name)).isDirectory())
  .sort()

/** Whether this machine's python3 can import all of these; tests that need more than Python alone are skipped else. */
export function pythonHas(...modules: string[]): boolean {
  const code = modules.map((name) => `import ${name}`).join("; ")
  return spawnSync("python3", ["-c", code], { stdio: "ignore" }).status === 0
}

// One interpreter for all directories: starting Python is most of the time a probe takes.
const BATCH = `
import json, subprocess, sys
sys.path.insert(0, sys.argv[1])
import evidence, probe
out = {}
for directory in sys.argv[3:]:
    kept = sys.stdout
    facts = probe.facts_of(directory, sys.argv[2].split(","))
    found = {"schema": 1}
    for path in evidence.test_files(directory):
        try:
            items = evidence.evidence(evidence.ast.parse(evidence.source(path) or ""))
        except SyntaxError:
            continue
        for runner, item in zip(("pytest", "unittest"), items):
            if item is not None and runner not in found:
                found[runner] = {"file": evidence.os.path.relpath(path, directory), "line": item[0], "what": item[1]}
    out[directory] = {"facts": facts, "evidence": found}
print(json.dumps(out))
`

interface Probed {
  facts: Facts
  evidence: Evidence
}

/** Runs the probe over directories. */
export function probe(directories: string[]): Record<string, Probed> {
  const text = execFileSync(
    "python3",
    ["-B", "-c", BATCH, probeDirectory, SUPPORTED.join(","), ...directories],
    {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    },
  )
  return JSON.parse(text)
}

let probed: Record<string, Probed> | undefined

/** Facts of a fixture; all fixtures are probed at the first call. */
export function probedFixture(name: string): Probed {
  probed ??= probe(fixtureNames.map((fixture) => join(fixtures, fixture)))
  const found = probed[join(fixtures, name)]
  if (found === undefined) throw new Error(`no fixture ${name}`)
  return found
}

/** Names of the Python files below a directory, as a glob of the engine gives them. */
export function pythonFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".py") && !name.includes("__pycache__"))
    .sort()
}

/** The plan of a fixture, made as the pipeline makes it. */
export function planOf(name: string, python?: string): Plan {
  const { facts, evidence } = probedFixture(name)
  const names = pythonFiles(join(fixtures, name))
  const first = decide({ facts, names, python })
  const plan = first === "evidence" ? decide({ facts, names, python, evidence }) : first
  if (plan === "evidence") throw new Error("undecided with evidence")
  return plan
}

/** The message of the error that planning a fixture ends with. */
export function errorOf(name: string, python?: string): string {
  try {
    planOf(name, python)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error(`${name} has a plan`)
}
