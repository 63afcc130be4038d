import type { Environment } from "./environments.ts"
import type { Index } from "./facts.ts"
import type { Testing } from "./testing.ts"

/** What is done with a project and why, as data: printed by `plan`, executed by `pipeline/`. */
export interface Plan extends Testing {
  schema: 1
  name?: string
  python: string
  /** The machine type to build for, as `linux/arm64`; the engine's own where absent. */
  platform?: string
  /** Python versions that the project says it supports, of those that Pyline runs. */
  matrix: string[]
  manager: Manager
  dependencies: Dependencies
  /** The project itself, where it is a package to install. */
  package?: PackageInstall
  /** How its sdist and wheel are built, where it is a package that can be. */
  build?: PackageBuild
  /** Settings for the question about known vulnerabilities; absent where there are none. */
  audit?: { ignore: { id: string; reason?: string; until?: string }[]; service?: string }
  runner: Runner
  /** Package indexes that files of the project name; absent where none does. */
  indexes?: Index[]
  /** "acknowledged" where a second index may answer for any name. */
  extraIndex?: string
  /** Debian packages for the build. */
  systemPackages: string[]
  /** Directories, from the root, that tests import from though nothing installs them. */
  pythonPath: string[]
  /** What an image of it has. */
  production: Production
  /** What an image of it starts; absent where nothing was looked for or found. */
  start?: Start
  startProblem?: StartProblem
  checks: Checks
  /** Where it is deployed to, in the order of promotion; absent where there is none. */
  environments?: Environment[]
  decisions: Decision[]
  warnings: string[]
}

export type ToolName =
  | "ruff"
  | "black"
  | "isort"
  | "flake8"
  | "pylint"
  | "mypy"
  | "pyright"
  | "basedpyright"
  | "ty"
  | "pre-commit"

/** A tool that checks the project. */
export interface CheckTool {
  name: ToolName
  /** What is installed of it, apart from everything else; nothing where the project's environment has it. */
  requirements: string[]
  /** It runs in the project's environment. */
  inProject: boolean
  args: string[]
}

export interface Checks {
  lint: CheckTool[]
  format: CheckTool[]
  types: CheckTool[]
  /** What is installed for the tools of each that run in the project's environment. */
  dependencies: { lint?: Dependencies; types?: Dependencies }
  /** What is locked, and how that is compared; absent where nothing is. */
  lock?: LockCheck
}

/** `uv` is asked; `same` where the facts have compared all of it; `compiled` where they have compared what they could. */
export type LockCheck =
  | { kind: "uv" }
  | { kind: "same"; file: string; manifest: string; how: string }
  | {
      kind: "compiled"
      lists: { file: string; from: string; unmet: { line: number; message: string }[] }[]
    }

export type Manager = "uv" | "poetry" | "pdm" | "pipenv" | "pylock" | "pip" | "none"

/** Input and flags of the dependency layer. Nothing else is in its key, beside Python and the tools. */
export type Dependencies =
  | {
      kind: "uv"
      documents: Record<string, string>
      selection: string[]
      verify: boolean
      provided: string[]
    }
  | {
      kind: "pip"
      requirements: string
      constraints: string
      options: string[]
      /** Beside the list: what of a pyproject.toml says where its dependencies come from, and what is chosen of it. */
      pyproject?: { document: string; selection: string[] }
    }
  /** A flat list that a lock was turned into: exact versions with their hashes, nothing left to resolve. */
  | { kind: "locked"; requirements: string; indexes: string[]; provided: string[] }
  /** pylock.toml, which the installer reads itself. */
  | { kind: "pylock"; document: string; selection: string[]; provided: string[] }
  | { kind: "none" }

export interface PackageInstall {
  kind: "uv" | "pip"
  /** Patterns of the files the build reads, or everything. */
  reads: string[] | "everything"
  /** Python files whose names matter to the build, but not what is in them. */
  names: string[]
  /** For pip: what is installed editable, such as `.` or `.[test]`. */
  targets: string[]
  /** Also install what only the build can tell are dependencies. */
  withDependencies: boolean
  environment: Record<string, string>
  /** Files that are made for the build, where the backend reads its version from one. */
  files?: Record<string, string>
}

/** What is installed in an image, where nothing is tested. */
export interface Production {
  dependencies: Dependencies
  package?: PackageInstall
  /** Debian packages for the build, and those of them that are needed when it runs. */
  systemPackages: { build: string[]; run: string[] }
  /** Names of the distributions that are installed, as far as files tell. */
  distributions: string[]
  /** Whether these are all: a lock tells, a list of requirements does not. */
  complete: boolean
  /** Commands that the project brings, and the functions that they call. */
  scripts: Record<string, string>
  scriptsFile?: string
  /** What the settings say of the image. */
  asked: {
    file?: string
    start?: string | string[]
    release?: string | string[]
    port?: number
    health?: string
    files: string[]
    collectstatic?: boolean
  }
  /** The directory of the workspace's member that the image is made of. */
  directory?: string
  /** What the project says of itself, by the names of the OCI specification. */
  labels: Record<string, string>
}

export interface Start {
  /** Arguments of the process, in the exec form. */
  command: string[]
  kind: "web" | "worker" | "command"
  /** Whether it needs an init: it does not end by itself when it is asked to. */
  init: boolean
  /** Where a web process listens unless PORT says otherwise. */
  port?: number
  /** What is asked whether a web process is well; a strict one has to say so, any other has to answer. */
  health?: { path: string; strict: boolean }
  /** The directory of the source that it is started in. */
  directory?: string
  environment?: Record<string, string>
  /** What is run once, before a new version is started: migrations. */
  release?: string[]
  /** What is run when the image is made, with variables that are gone afterwards. */
  build?: { command: string[]; environment: Record<string, string> }
  /** Other processes of the same image, by their names. */
  processes?: Record<string, string[]>
  /** Whether the image has the source itself, and not only the package that is built from it. */
  copied: boolean
}

/** Why there is something to start and no image yet. */
export type StartProblem =
  | { kind: "server"; server: string; command: string; found: string; fix: string }
  | { kind: "ambiguous"; candidates: { command: string; file: string; line: number }[] }

export interface PackageBuild {
  /** Where the package is, from the root; the root itself where absent. */
  directory?: string
  /** Directories of the project's other packages that it depends on. */
  locals: string[]
  /** Variables that give a version to backends which ask git for it. */
  environment: Record<string, string>
  /** Files that are made for the build, where the backend reads its version from one. */
  files?: Record<string, string>
  /** The version in them where no file of the project says it. */
  standIn?: string
  /** The backend asks git which files there are. */
  repository: boolean
  /** Findings that are no errors: rules, or rule:what. */
  ignore: string[]
}

export type RunnerKind = "pytest" | "unittest" | "django" | "tox" | "nox"

export interface Runner {
  kind: RunnerKind
  /** Where it is started, from the root; the root itself where absent. */
  directory?: string
  /** Arguments before the user's own. */
  args: string[]
  /** Of tox and nox: what is installed to run them, and nothing else is. Their environments are their own. */
  tools?: string[]
  /** Of tox and nox: variables for the builds that their environments make. */
  environment?: Record<string, string>
}

export interface Decision {
  about:
    | "package manager"
    | "python"
    | "dependencies"
    | "package indexes"
    | "version"
    | "test dependencies"
    | "project"
    | "test runner"
    | "coverage"
    | "workers"
    | "services"
    | "system packages"
    | "start command"
    | "release command"
    | "lint"
    | "format"
    | "types"
    | "environments"
  value: string
  file?: string
  line?: number
  rule: string
  rejected: { value: string; file?: string; why: string }[]
}
