import type { Directory } from "@dagger.io/dagger"
import { internal } from "../errors.ts"
import type { AppFacts } from "../project/appFacts.ts"
import { decide } from "../project/decide.ts"
import type { Facts } from "../project/facts.ts"
import type { Plan } from "../project/plan.ts"
import { SUPPORTED } from "../project/python.ts"
import type { Evidence } from "../project/runner.ts"
import { decideStart } from "../project/start.ts"
import { asset, probeProgram } from "./asset.ts"
import { files } from "./files.ts"
import { patiently } from "./retry.ts"
import { HOME, toolbox } from "./toolbox.ts"

/** Files the probe is given. An edit of any other file does not run it again. */
const MANIFESTS = [
  "pyproject.toml",
  "**/pyproject.toml",
  "*.lock",
  "Pipfile",
  "pylock*.toml",
  "*require*.txt",
  "*require*.in",
  "*constraint*.txt",
  "requirements/**",
  "tests/*require*.txt",
  "test/*require*.txt",
  "setup.py",
  "setup.cfg",
  "tox.ini",
  "tox.toml",
  "noxfile.py",
  "pytest.ini",
  ".pytest.ini",
  "pytest.toml",
  ".pytest.toml",
  ".coveragerc",
  ".python-version",
  "uv.toml",
  "hatch.toml",
  "environment.yml",
  "environment.yaml",
  "conda.yml",
  "pixi.toml",
  "manage.py",
  "PKG-INFO",
  ".tool-versions",
  "mise.toml",
  ".mise.toml",
  "mise/config.toml",
  ".mise/config.toml",
  ".config/mise.toml",
  ".config/mise/config.toml",
  "runtime.txt",
  "pyline.toml",
  // What linters, formatters and type checkers read, and where commands of the project start them.
  ...[".pre-commit-config.yaml", ".pre-commit-config.yml", "ruff.toml", ".ruff.toml", ".flake8"],
  ...[".isort.cfg", "mypy.ini", ".mypy.ini", "pyrightconfig.json", "ty.toml"],
  ...["pylintrc", ".pylintrc", "pylintrc.toml", ".pylintrc.toml", "Makefile", "justfile"],
  // Projects below the root, to say where they are when there is none at it.
  ...["*/", "*/*/"].flatMap((below) =>
    ["requirements.txt", "Pipfile", "setup.py", "setup.cfg", "environment.yml"].map(
      (name) => below + name,
    ),
  ),
  // Names of tags, and whether there could be any: see source.ts.
  ".git",
  ".git/**",
]
const TESTS = ["**/test*.py", "**/*_test.py", "**/tests/**/*.py", "**/test/**/*.py"]

/** A file, and not the standard output: that is for people. */
const OUTPUT = "/opt/facts.json"
const PROGRAM = `${HOME}/probe`

/** A list can include a list, which includes one with a name that no pattern knows. */
const MOST_ROUNDS = 5

/** Finds out what the project is and what is to be done with it. */
export async function readPlan(source: Directory, python: string | undefined): Promise<Plan> {
  const [facts, names] = await Promise.all([readFacts(source), source.glob("**/*.py")])
  const plan = decide({ facts, names, python })
  if (plan !== "evidence") return plan
  const decided = decide({ facts, names, python, evidence: await readEvidence(source) })
  if (decided === "evidence") throw internal("no test runner could be decided on", [])
  return decided
}

/** The plan with what an image of the project starts. Any edit of a module asks again, so that only what needs it does. */
export async function withStart(plan: Plan, source: Directory): Promise<Plan> {
  if (plan.start !== undefined || plan.startProblem !== undefined) return plan
  const { directory } = plan.production
  const own = directory === undefined ? source : source.directory(directory)
  const program = { "app.py": asset("app.py"), ...probeProgram() }
  const facts = await probe<AppFacts>(own, ["**/*.py", "Procfile"], program, [OUTPUT])
  const { start, problem, decisions, warnings } = decideStart(plan, facts)
  return {
    ...plan,
    ...(start === undefined ? {} : { start }),
    ...(problem === undefined ? {} : { startProblem: problem }),
    decisions: [...plan.decisions, ...decisions],
    warnings: [...plan.warnings, ...warnings],
  }
}

async function readFacts(source: Directory): Promise<Facts> {
  const include = [...MANIFESTS]
  for (let round = 1; ; round++) {
    const facts = await probe<Facts>(source, include, probeProgram(), [
      "--output",
      OUTPUT,
      "--python",
      SUPPORTED.join(","),
    ])
    const more = facts.missing.map(({ path }) => path).filter((path) => !include.includes(path))
    // Scripts can carry their own metadata, but they are looked at only where nothing else says anything.
    const bare = facts.files.every((path) => path === "pyline.toml")
    if (bare && !include.includes("*.py")) more.push("*.py")
    if (more.length === 0 || round === MOST_ROUNDS) return facts
    include.push(...more)
  }
}

const readEvidence = (source: Directory): Promise<Evidence> =>
  probe(source, TESTS, { "evidence.py": asset("evidence.py") }, [OUTPUT])

async function probe<T extends { schema: 1 }>(
  source: Directory,
  include: string[],
  program: Record<string, string>,
  args: string[],
): Promise<T> {
  const name = Object.keys(program)[0]
  const output = toolbox()
    .withMountedDirectory(PROGRAM, files(program))
    .withEnvVariable("PYTHONPATH", `${HOME}/tools`)
    .withMountedDirectory("/project", source.filter({ include }))
    .withExec(["python", "-B", `${PROGRAM}/${name}`, "/project", ...args])
    .file(OUTPUT)
  const text = await patiently(() => output.contents())
  try {
    const document = JSON.parse(text) as T
    if (document.schema === 1) return document
  } catch {}
  throw internal(`${name} wrote no facts`, text.split("\n").slice(0, 5))
}
