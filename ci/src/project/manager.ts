import {
  lockMissing,
  managersAmbiguous,
  managerUnknown,
  managerUnsupported,
  manifestInvalid,
} from "../errors.ts"
import type { Facts } from "./facts.ts"
import type { Decision, Manager } from "./plan.ts"
import { filesFor } from "./requirements.ts"

const LOCKS = [
  { file: "uv.lock", manager: "uv" },
  { file: "poetry.lock", manager: "poetry" },
  { file: "pdm.lock", manager: "pdm" },
  { file: "Pipfile.lock", manager: "pipenv" },
]
const KNOWN = ["uv", "pip"]

const ADVICE: Record<string, string> = {
  poetry: "poetry export --with dev -o requirements.txt, or move to uv: uvx migrate-to-uv",
  pdm: "pdm export -o requirements.txt, or move to uv: uvx migrate-to-uv",
  pipenv: "pipenv requirements --dev > requirements.txt, or move to uv: uvx migrate-to-uv",
  conda:
    "list the Python packages in pyproject.toml or requirements.txt; Pyline installs from Python package indexes",
}

/** Which tool installs the project: a lock before a list, a list before nothing. */
export function decideManager(facts: Facts): { manager: Manager; decision: Decision } {
  const has = (file: string): boolean => facts.files.includes(file)
  const locks = LOCKS.filter(({ file }) => has(file))
  const lists = filesFor(facts, "main")
  const chosen = facts.settings?.packageManager
  if (chosen !== undefined && !KNOWN.includes(chosen) && ADVICE[chosen] === undefined) {
    throw managerUnknown(facts.settings?.file ?? "", chosen, KNOWN)
  }
  if (chosen === undefined && locks.length > 1) throw managersAmbiguous(locks)

  const decided = (manager: Manager, value: string, file: string | undefined, rule: string) => {
    const rejected = [
      ...locks
        .filter((lock) => lock.file !== file)
        .map((lock) => ({ value: lock.manager, file: lock.file })),
      ...(manager === "uv" ? lists.map((list) => ({ value: "pip", file: list })) : []),
    ].map((other) => ({
      ...other,
      why:
        chosen === undefined
          ? "a lock says exactly what to install"
          : "the package-manager setting decides",
    }))
    const decision: Decision = { about: "package manager", value, rule, rejected }
    return { manager, decision: file === undefined ? decision : { ...decision, file } }
  }

  const lock = locks.find(({ manager }) => chosen === undefined || manager === chosen)
  if (lock?.manager === "uv") {
    if (!has("pyproject.toml")) {
      throw manifestInvalid([
        { file: "uv.lock", message: "stands without the pyproject.toml it locks" },
      ])
    }
    const rule = chosen === undefined ? "a lock decides" : "the package-manager setting decides"
    return decided("uv", "uv", "uv.lock", rule)
  }
  if (lock !== undefined)
    throw managerUnsupported(lock.file, lock.manager, ADVICE[lock.manager] ?? "")
  if (chosen === "uv") throw lockMissing(facts.settings?.file ?? "", "uv", "uv.lock")

  const list = lists[0]
  if (list !== undefined) return decided("pip", "pip", list, "a list of requirements decides")
  if (has("Pipfile")) throw managerUnsupported("Pipfile", "pipenv", ADVICE.pipenv ?? "")
  const { pyproject, setup } = facts
  if (pyproject?.tools.includes("poetry") && pyproject.project === undefined) {
    throw managerUnsupported("pyproject.toml", "poetry", ADVICE.poetry ?? "")
  }
  if (
    pyproject !== undefined &&
    (pyproject.project !== undefined || Object.keys(pyproject.groups).length > 0)
  ) {
    return decided(
      "pip",
      "pip",
      "pyproject.toml",
      "pyproject.toml lists dependencies and nothing locks them",
    )
  }
  if (setup !== undefined && !setup.configOnly) {
    const file = setup.files[setup.files.length - 1]
    return decided("pip", "pip", file, "setuptools' own files list dependencies")
  }
  const test = [...filesFor(facts, "test"), ...filesFor(facts, "dev")][0]
  if (test !== undefined) return decided("pip", "pip", test, "a list of requirements decides")
  const conda = ["environment.yml", "environment.yaml", "conda.yml"].find(has)
  if (conda !== undefined) throw managerUnsupported(conda, "conda", ADVICE.conda ?? "")
  return decided("none", "none", undefined, "no file lists a dependency")
}
