import {
  lockMissing,
  lockStale,
  managersAmbiguous,
  managerUnknown,
  managerUnsupported,
  manifestInvalid,
} from "../errors.ts"
import type { Facts, Lock } from "./facts.ts"
import type { Decision, Manager } from "./plan.ts"
import { filesFor } from "./requirements.ts"

const LOCKS = [
  { file: "uv.lock", manager: "uv" },
  { file: "poetry.lock", manager: "poetry" },
  { file: "pdm.lock", manager: "pdm" },
  { file: "Pipfile.lock", manager: "pipenv" },
] as const
const KNOWN = ["uv", "poetry", "pdm", "pipenv", "pylock", "pip"]

const CONDA =
  "list the Python packages in pyproject.toml or requirements.txt; Pyline installs from Python package indexes"

const RELOCK: Record<string, string> = {
  poetry: "poetry lock",
  pdm: "pdm lock",
  pipenv: "pipenv lock",
  pylock: "uv export --format pylock.toml -o pylock.toml",
}

export interface ManagerChoice {
  manager: Manager
  decision: Decision
  /** The lock that decides, where it is not uv's own. */
  lock?: Lock
}

/** pylock.toml and its named kin; one that is named after tests is the better one for tests. */
function pylocks(facts: Facts): string[] {
  const order = ["test", "tests", "testing", "dev"].map((name) => `pylock.${name}.toml`)
  const found = facts.files.filter((file) => /^pylock(\..+)?\.toml$/.test(file))
  return [...order, "pylock.toml"].filter((file) => found.includes(file))
}

/** Which tool installs the project: a lock before a list, a list before nothing. */
export function decideManager(facts: Facts): ManagerChoice {
  const has = (file: string): boolean => facts.files.includes(file)
  const named = pylocks(facts)
  const own = LOCKS.filter(({ file }) => has(file))
  // An export of the lock beside it is no other opinion.
  const copies = named.filter((file) => {
    const author = facts.locks.find((lock) => lock.file === file)?.createdBy
    return (
      facts.settings?.packageManager !== "pylock" && own.some(({ manager }) => manager === author)
    )
  })
  const locks: { file: string; manager: Manager }[] = [
    ...own,
    ...named
      .filter((file) => !copies.includes(file))
      .slice(0, 1)
      .map((file) => ({ file, manager: "pylock" as const })),
  ]
  const lists = filesFor(facts, "main")
  const chosen = facts.settings?.packageManager
  if (chosen !== undefined && !KNOWN.includes(chosen)) {
    throw managerUnknown(facts.settings?.file ?? "", chosen, KNOWN)
  }
  if (chosen === undefined && locks.length > 1) throw managersAmbiguous(locks)

  const decided = (
    manager: Manager,
    file: string | undefined,
    rule: string,
    lock?: Lock,
  ): ManagerChoice => {
    const rejected = [
      ...locks
        .filter((other) => other.file !== file)
        .map((other) => ({ value: other.manager, file: other.file })),
      ...(manager !== "pip" && manager !== "none"
        ? lists.map((list) => ({ value: "pip", file: list }))
        : []),
      ...named
        .filter((other) => other !== file && !locks.some((lock) => lock.file === other))
        .map((other) => ({ value: "pylock", file: other })),
    ].map((other) => ({
      ...other,
      why:
        other.file !== undefined && copies.includes(other.file)
          ? `${manager} exported it`
          : other.value === "pylock" && manager === "pylock"
            ? `${file} is named after tests`
            : chosen === undefined
              ? "a lock says exactly what to install"
              : "the package-manager setting decides",
    }))
    const decision: Decision = { about: "package manager", value: manager, rule, rejected }
    return {
      manager,
      decision: file === undefined ? decision : { ...decision, file },
      ...(lock === undefined ? {} : { lock }),
    }
  }

  const lock = locks.find(({ manager }) => chosen === undefined || manager === chosen)
  const rule = chosen === undefined ? "a lock decides" : "the package-manager setting decides"
  if (lock?.manager === "uv") {
    if (!has("pyproject.toml")) {
      throw manifestInvalid([
        { file: "uv.lock", message: "stands without the pyproject.toml it locks" },
      ])
    }
    return decided("uv", "uv.lock", rule)
  }
  if (lock !== undefined) {
    const content = facts.locks.find(({ file }) => file === lock.file)
    // What keeps it from being read is among the errors of the facts.
    if (content === undefined) throw manifestInvalid(errorsOf(facts, lock.file))
    if (content.stale !== undefined)
      throw lockStale(lock.file, content.stale, RELOCK[lock.manager] ?? "", content.why)
    return decided(
      lock.manager,
      lock.file,
      lock.manager === "pylock"
        ? rule
        : `${rule}; it is installed as a flat list of exact versions with their hashes, without ${lock.manager} itself`,
      content,
    )
  }
  if (chosen !== undefined && chosen !== "pip") {
    const file =
      chosen === "pylock" ? "pylock.toml" : LOCKS.find(({ manager }) => manager === chosen)?.file
    throw lockMissing(facts.settings?.file ?? "", chosen, file ?? "", RELOCK[chosen] ?? "uv lock")
  }

  const list = lists[0]
  const { pyproject, setup } = facts
  if (list === undefined && (pyproject?.uv?.locals || pyproject?.uv?.workspace))
    throw lockMissing("pyproject.toml", "uv", "uv.lock", "uv lock")
  if (list !== undefined) return decided("pip", list, "a list of requirements decides")
  if (has("Pipfile")) throw lockMissing("Pipfile", "pipenv", "Pipfile.lock", "pipenv lock")
  if (facts.poetry !== undefined && pyproject?.project === undefined) {
    return decided(
      "pip",
      "pyproject.toml",
      "[tool.poetry] lists dependencies and nothing locks them",
    )
  }
  if (
    pyproject !== undefined &&
    (pyproject.project !== undefined || Object.keys(pyproject.groups).length > 0)
  ) {
    return decided(
      "pip",
      "pyproject.toml",
      "pyproject.toml lists dependencies and nothing locks them",
    )
  }
  if (setup !== undefined && !setup.configOnly) {
    const file = setup.files[setup.files.length - 1]
    return decided("pip", file, "setuptools' own files list dependencies")
  }
  const test = [...filesFor(facts, "test"), ...filesFor(facts, "dev")][0]
  if (test !== undefined) return decided("pip", test, "a list of requirements decides")
  const environment = facts.environments[0]
  if (environment !== undefined)
    return decided(
      "pip",
      environment.file,
      `its environment ${environment.name} lists dependencies`,
    )
  const script = facts.scripts[0]
  if (script !== undefined)
    return decided("pip", script.file, "inline metadata of scripts lists dependencies")
  const conda = ["environment.yml", "environment.yaml", "conda.yml"].find(has)
  if (conda !== undefined) throw managerUnsupported(conda, "conda", CONDA)
  if (has("pixi.toml")) throw managerUnsupported("pixi.toml", "pixi", CONDA)
  return decided("none", undefined, "no file lists a dependency")
}

const errorsOf = (facts: Facts, file: string) => {
  const own = facts.errors.filter((error) => error.file === file)
  return own.length > 0 ? own : [{ file, message: "could not be read" }]
}
