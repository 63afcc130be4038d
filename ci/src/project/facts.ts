/** What the probe (ci/probe/probe.py) prints: what the files of a project say, without any judgement. */
export interface Facts {
  schema: 1
  /** The manifests that are there, as paths from the project's root. */
  files: string[]
  errors: FactError[]
  /** Files that manifests refer to and that were not among the files given to the probe. */
  missing: Reference[]
  /** [tool.pyline] of pyproject.toml, or pyline.toml. */
  settings?: Settings
  pyproject?: Pyproject
  setup?: Setup
  requirements: RequirementsFile[]
  uvLock?: UvLock
  /** The locks other than uv's. */
  locks: Lock[]
  /** Package indexes other than the public one; absent where no file names any. */
  indexes?: Index[]
  poetry?: {
    name?: string
    version?: string
    package: boolean
    dependencies: Requirement[]
    groups: Record<string, Requirement[]>
    extras: Record<string, Requirement[]>
  }
  /** What environments of tox, nox and Hatch install for tests. */
  environments: Environment[]
  /** Environments of tox and sessions of nox; absent where there are none. */
  sessions?: Partial<Record<"tox" | "nox", { file: string; names: string[] }>>
  /** Scripts at the root with inline metadata (PEP 723); read where there is no manifest. */
  scripts: { file: string; line?: number; requirements: Requirement[]; requiresPython?: string }[]
  /** Minor versions that the classifiers name. */
  classifiers: string[]
  /** What files say about the Python version. */
  python: PythonConstraint[]
  /** What files say of linters, formatters and type checkers; absent where none does. */
  checks?: CheckFacts
  /** Files that configure a test runner, with what in them does. */
  testConfig: { file: string; section: string; runner: "pytest" }[]
  /** Options that the project's configuration gives to pytest. */
  addopts?: { file: string; words: string[] }
  /** What configures coverage.py. */
  coverage?: { file: string; line?: number; failUnder?: number }
  /** Manifests of projects below the root; looked for only where nothing at it says what to install. */
  nested?: string[]
  /** What is known of the repository; absent where there is none. */
  git?: Git
  /** `Version` of a PKG-INFO at the root: the project was unpacked from an sdist. */
  sdistVersion?: string
}

/** What the names of tags tell. Nothing else of a repository is an input. */
export interface Git {
  /** How many there are. */
  tags: number
  /** The highest version among them, and its tag. */
  version?: string
  tag?: string
  /** A clone without the whole history, and so perhaps without tags. */
  shallow?: boolean
  /** A worktree or a submodule: the repository itself is not in the source. */
  elsewhere?: boolean
}

/** A package index that a file of the project names. */
export interface Index {
  file: string
  url: string
  name?: string
  /** What stands before the host where that is variables: `${USER}:${TOKEN}`. */
  login?: string
  /** True where a password stands in the file itself. */
  password?: boolean
  /** True where it stands for the public one. */
  main?: boolean
  /** True where it is for packages that name it, and no others. */
  only?: boolean
  /** True for the address of one dependency, and not of an index. */
  direct?: boolean
}

interface FactError {
  file: string
  line?: number
  column?: number
  message: string
}

interface Reference {
  path: string
  file: string
  line: number
  /** True where it is of no matter unless something uses it. */
  optional?: boolean
}

export interface Requirement {
  /** PEP 503 name; absent for a bare URL or path. */
  name?: string
  /** As it can be handed to an installer, in one line. */
  text: string
  extras?: string[]
  url?: boolean
  vcs?: string
}

interface Pyproject {
  project?: {
    name?: string
    version?: string
    requiresPython?: string
    dynamic: string[]
    dependencies: Requirement[]
    extras: Record<string, Requirement[]>
  }
  /** PEP 735, with `include-group` resolved. */
  groups: Record<string, Requirement[]>
  build?: { backend?: string; requires: string[]; inTree: boolean }
  /** Names of the [tool.*] tables. */
  tools: string[]
  /** Files that the build reads beside code, because a [tool.*] table says so. */
  buildReads: string[]
  /** Parts of the configuration that let a build do anything: custom hooks, build scripts. */
  buildHooks: string[]
  /** Of these the ones that are only a text for people: the long description. */
  readmes?: string[]
  /** The version that the configuration gives where git cannot be asked. */
  fallbackVersion?: string
  /** True where tool.pdm.version.source is scm. */
  pdmScm?: boolean
  /** tool.pdm.distribution */
  distribution?: boolean
  /** Dependencies that only a build could tell. */
  dynamicDependencies: boolean
  uv?: {
    package?: boolean
    defaultGroups?: string[]
    workspace: boolean
    /** Dependencies that are fetched with git. */
    git?: boolean
    /** Dependencies that are directories. */
    locals?: boolean
    /** What of the file uv is given where it says that dependencies come from elsewhere, and nothing locks them. */
    document?: string
  }
  /** What it says of itself, where it is written down and not computed. */
  metadata: {
    version?: string
    licence?: string
    description?: string
    repository?: string
    /** Commands that it brings, and the functions that they call. */
    scripts: Record<string, string>
  }
}

export interface CheckFacts {
  /** Where tools find their configuration. */
  configs?: {
    tool: string
    file: string
    section?: string
    /** Of ruff: the formatter is configured too. */
    format?: boolean
    /** Of mypy: it says what to look at. */
    targets?: boolean
  }[]
  hooks?: Hooks
  /** Where commands of the project's own start a tool (`mypy`, `ruff format`), and on which paths. */
  commands?: { tool: string; file: string; line: number; paths: string[] }[]
  /** Lists that were compiled from another, and what of it they do not have. */
  compiled?: { file: string; from: string; unmet: { line: number; message: string }[] }[]
}

/** .pre-commit-config.yaml */
export interface Hooks {
  file: string
  repos: {
    repo: string
    /** `rev`, where it is a version. */
    version?: string
    hooks: { id: string; dependencies: string[] }[]
  }[]
}

/** An entry of the services setting, checked but for what services have in common. */
export interface ServiceFact {
  name: string
  line?: number
  preset?: "postgres" | "redis" | "valkey" | "mysql" | "mariadb"
  version?: string
  image?: string
  ports?: number[]
  environment?: Record<string, string>
  /** Variables of the tests; `{host}` and the like stand for what it has. */
  exports?: Record<string, string>
  command?: string[]
  /** A command that says whether it can be used, or a line for a shell; false for none. */
  health?: string[] | string | false
  user?: string
  password?: string
  database?: string
}

/** An entry of the environments setting, checked but for what environments have in common. Settings as in docs/delivery.md. */
export interface EnvironmentFact {
  name: string
  line?: number
  target: "docker" | "compose" | "kubernetes" | "command"
  host?: string
  registry?: string
  url?: string
  digestUrl?: string
  health?: string
  /** Seconds. */
  healthTimeout?: number
  /** Seconds that a command may take. */
  timeout?: number
  port?: number
  publish?: number
  envFile?: string
  release?: boolean
  keep?: number
  /** Seconds. */
  drain?: number
  validate?: { path: string; status: number; contains?: string }[]
  validateCommand?: string | string[]
  order?: number
  manual?: boolean
  proxyImage?: string
  composeFile?: string
  service?: string
  namespace?: string
  deployment?: string
  container?: string
  manifests?: string
  context?: string
  toolsImage?: string
  deployCommand?: string | string[]
  runningCommand?: string | string[]
  migrateCommand?: string | string[]
}

export interface Settings {
  /** The file they stand in. */
  file: string
  packageManager?: string
  python?: string
  groups?: string[]
  extras?: string[]
  runner?: string
  /** Environments of tox or sessions of nox to run. */
  sessions?: string[]
  apt?: string[]
  /** Tools to check with instead of those that are configured. */
  lint?: string[]
  format?: string[]
  types?: string[]
  /** The member of a workspace to test. */
  package?: string
  /** The version that a build is told which would ask git for it. */
  version?: string
  /** False where nothing is to be measured. */
  coverage?: boolean
  /** What the tests want beside them. */
  services?: ServiceFact[]
  /** Tests that run side by side, with pytest-xdist. */
  workers?: number
  /** "acknowledged" where a second index may answer for any name. */
  extraIndex?: string
  /** What an image starts, as a line of a shell or as arguments. */
  start?: string | string[]
  /** What is run once before a new version of the image is started. */
  release?: string | string[]
  port?: number
  /** The path that answers when the application is well. */
  health?: string
  /** Patterns of files that an image has beside the usual kinds. */
  imageFiles?: string[]
  /** False where static files of Django are not to be gathered. */
  collectstatic?: boolean
  /** Findings of `build` that are no errors: rules, or rule:what. */
  buildIgnore?: string[]
  /** Vulnerabilities that are accepted, until a day. */
  auditIgnore?: { id: string; reason?: string; until?: string }[]
  /** Address of a service that answers in the format of OSV. */
  auditService?: string
  /** Where the application runs. */
  environments?: EnvironmentFact[]
}

interface Setup {
  /** setup.py, setup.cfg or both. */
  files: string[]
  name?: string
  version?: string
  dependencies: Requirement[]
  extras: Record<string, Requirement[]>
  testsRequire: Requirement[]
  /** True where the dependencies are computed by setup.py. */
  dynamicDependencies: boolean
  /** True for a setup.cfg that only configures tools. */
  configOnly: boolean
  extensions: boolean
  /** Commands that it brings, and the functions that they call. */
  scripts: Record<string, string>
  /** What setup.py has its version from, where it says so. */
  versionFrom?: "setuptools-scm" | "pbr"
  /** Why the build of this setup.py may read any file, or absent when it plainly does not. */
  reads?: string
}

export interface RequirementsFile {
  path: string
  requirements: (Requirement & { line: number; hashes: string[] })[]
  /** Directories and files of the project to install: `-e .`, `./libs/a`. */
  locals: { path: string; extras: string[]; editable: boolean; line: number }[]
  includes: { path: string; line: number }[]
  constraints: { path: string; line: number }[]
  /** Lines for the installer: indexes, --no-binary and the like, as argument lists. */
  options: string[][]
}

export interface UvLock {
  /** Text that is the same after a change of a version of the project itself. */
  documents: Record<string, string>
  /** Directories of the project's own packages, with their names. */
  members: {
    name: string
    path: string
    kind: "editable" | "virtual" | "directory"
    /** Of the members below the root. */
    pyproject?: Pyproject
  }[]
  /** Groups of a root that is no project of its own. */
  groups: Record<string, UvNeed[]>
  packages: UvPackage[]
}

interface UvPackage {
  name: string
  version?: string
  vcs?: "git"
  needs: UvNeed[]
  extras?: Record<string, UvNeed[]>
  groups?: Record<string, UvNeed[]>
}

interface UvNeed {
  name: string
  extras?: string[]
}

/** A lock as a flat list. */
export interface Lock {
  file: string
  manager: "poetry" | "pdm" | "pipenv" | "pylock"
  /** The file that was changed after the lock was made, where the lock says so. */
  stale?: string
  why?: string
  /** True where it has a hash of the file that it was made from. */
  hashed?: boolean
  packages: LockedPackage[]
  locals: { path: string; extras: string[]; editable: boolean; in: Record<string, string> }[]
  /** Where packages come from beside PyPI. */
  indexes: { name: string; url: string }[]
  /** Of pylock.toml: the tool that wrote it. */
  createdBy?: string
  /** Of pylock.toml: its text without the project's own directories, and what can be chosen from it. */
  document?: string
  groups?: string[]
  extras?: string[]
}

export interface LockedPackage extends Requirement {
  name: string
  version?: string
  hashes: string[]
  /** Groups (and `extra:name`) that want it, each with the marker under which it does; "" for always. */
  in: Record<string, string>
}

export interface Environment {
  file: string
  name: string
  requirements: ForFactors<Requirement>[]
  /** Requirements files. */
  includes: ForFactors<{ path: string }>[]
  extras?: string[]
  groups?: string[]
}

/** For environments of tox with these parts in their names only: `py311,py312-django51,!ci`. */
export type ForFactors<T> = T & { factors?: string }

export interface PythonConstraint {
  file: string
  line?: number
  rule: string
  value: string
  /** Of the supported minor versions those which satisfy it; absent when the value cannot be read. */
  allowed?: string[]
  /** The version, where the constraint names exactly one minor. */
  minor?: string
}
