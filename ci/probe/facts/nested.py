"""Projects below the root, for when there is none at it."""

from __future__ import annotations

import os
import posixpath

from facts.reader import FILES, Project, table

MANIFESTS = ("pyproject.toml", "requirements.txt", "Pipfile", "setup.py", "setup.cfg", "environment.yml")
# What stands in these is part of something else.
OTHERS = {
    "tests", "test", "testing", "testdata", "fixtures", "examples", "example", "samples", "docs", "doc", "demos",
    "benchmarks", "scripts", "tools", "vendor", "third_party", "node_modules", "dist", "build",
}  # fmt: skip
DEPTH = 2
MOST = 20


def nested_projects(project: Project) -> list[str]:
    """Manifests of the folders next to the root that have one, the first of each."""
    found: list[str] = []
    seen = 0
    level = [""]
    for _ in range(DEPTH):
        below: list[str] = []
        for parent in level:
            try:
                names = sorted(os.listdir(os.path.join(project.root, parent)))
            except OSError:
                continue
            for name in names:
                seen += 1
                path = posixpath.join(parent, name)
                full = os.path.join(project.root, path)
                if seen > FILES or name.startswith(".") or name in OTHERS or os.path.islink(full) or not os.path.isdir(full):
                    continue
                manifest = next((one for one in MANIFESTS if describes(project, posixpath.join(path, one))), None)
                if manifest is None:
                    below.append(path)
                elif len(found) < MOST:
                    found.append(posixpath.join(path, manifest))
        level = below
    return found


def describes(project: Project, path: str) -> bool:
    if not os.path.isfile(os.path.join(project.root, path)):
        return False
    if not path.endswith("pyproject.toml"):
        return True
    # One that only configures tools describes no project.
    document = Project(os.path.join(project.root, posixpath.dirname(path))).toml("pyproject.toml") or {}
    return "project" in document or "poetry" in table(document.get("tool")) or "dependency-groups" in document
