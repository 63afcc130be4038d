/**
 * What of a project's directory is never an input: other tools' caches and environments.
 *
 * Only names that no project keeps source under are left out at any depth (with two stars); the others only at the root, since
 * a package may well have a module directory called `venv` (pdm has). `build` stays in: unlike `dist` it is a name that
 * repositories do keep files under. `.git` is left out: a commit that changes no file would make every result new.
 */
export const IGNORE = [
  ".git",
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
  "**/.DS_Store",
]
