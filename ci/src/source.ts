/**
 * What of a project's directory is never an input: other tools' caches and environments.
 *
 * Only names that no project keeps source under are left out at any depth (with two stars); the others only at the root, since
 * a package may well have a module directory called `venv` (pdm has). `build` stays in: unlike `dist` it is a name that
 * repositories do keep files under.
 *
 * Of `.git` only the names of tags are kept, for versions that come from git: a commit changes them not, and would make every
 * result new with the rest. No step but the one that reads manifests is given them, see WITHOUT_GIT.
 */
export const IGNORE = [
  ".git/*",
  "!.git/packed-refs",
  "!.git/shallow",
  "!.git/refs",
  ".git/refs/*",
  "!.git/refs/tags",
  "**/.venv",
  "venv",
  "**/node_modules",
  "**/__pycache__",
  "**/.pytest_cache",
  "**/.mypy_cache",
  "**/.ruff_cache",
  "**/.hypothesis",
  "**/.ipynb_checkpoints",
  ".tox",
  ".nox",
  ".eggs",
  "*.egg-info",
  "src/*.egg-info",
  "dist",
  "htmlcov",
  ".coverage",
  ".coverage.*",
  ".idea",
  ".vscode",
  ".direnv",
  ".gitlab-ci-local",
  // What `reports --output pyline-reports` writes: its own next run is not to be another one for that.
  "pyline-reports",
  "**/.DS_Store",
]

/** For every step that takes the whole source: it is the same before and after a tag. */
export const WITHOUT_GIT = { exclude: [".git"] }
