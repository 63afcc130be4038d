"""What the locks of Poetry, PDM and Pipenv have in common: a flat list of exact versions, each for some groups.

ci/src/project/facts.ts describes a lock as a fact. Nothing is resolved: what is in no lock is not in the list.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable

from facts.indexes import is_public, without_login
from facts.markers import without_extra
from facts.reader import Problem, Project

CLAUSES = 24


def new_lock(file: str, manager: str) -> dict:
    return {"file": file, "manager": manager, "packages": [], "locals": [], "indexes": []}


def add_index(lock: dict, url: object, name: object = None) -> None:
    """An index other than PyPI that the lock was made from."""
    if not isinstance(url, str) or is_public(url):
        return
    fact = {"name": name if isinstance(name, str) else "", "url": without_login(url)[0]}
    if all(known["url"] != fact["url"] for known in lock["indexes"]):
        lock["indexes"].append(fact)


def add_local(project: Project, lock: dict, path: str, *, editable: bool, groups: dict[str, str]) -> None:
    """A directory or file of the project."""
    path = posixpath.normpath(path)
    if path.startswith(("../", "/")) or path == "..":
        project.report(Problem(lock["file"], f"{path} is outside of the project"))
        return
    lock["locals"].append({"path": path, "extras": [], "editable": editable, "in": groups})


def split_by_extra(marker: str, extras: Iterable[str], main: str) -> dict[str, str]:
    """For whom a package is that the lock has with a marker which may speak of extras."""
    found = {}
    base = without_extra(marker, "")
    if base is not None:
        found[main] = base
    for extra in extras:
        left = without_extra(marker, extra)
        if left is not None and left != base:
            found[f"extra:{extra}"] = left
    return found


Need = tuple[str, frozenset, str, Callable[[str], bool]]


def closure(roots: Iterable[Need], entries: dict[str, list[dict]], children: Callable[[dict, frozenset], Iterable[Need]]):
    """Everything that is reached from the roots, as {id of an entry: marker}. Locks that do not say of a package what
    wants it (Poetry before 2, PDM without inherited metadata) are read this way."""
    conditions: dict[tuple[int, frozenset], set[frozenset]] = {}
    queue: list[tuple[dict, frozenset, frozenset]] = []

    def visit(need: Need, clause: frozenset) -> None:
        name, extras, marker, matches = need
        candidates = entries.get(name, [])
        fitting = [entry for entry in candidates if matches(str(entry.get("version", "")))] or candidates
        for entry in fitting:
            queue.append((entry, extras, clause | {marker} if marker else clause))

    for root in roots:
        visit(root, frozenset())
    while queue:
        entry, extras, clause = queue.pop()
        known = conditions.setdefault((id(entry), extras), set())
        if any(other <= clause for other in known):
            continue
        if len(known) >= CLAUSES:
            clause = frozenset()
        conditions[id(entry), extras] = {other for other in known if not clause <= other} | {clause}
        for need in children(entry, extras):
            visit(need, clause)
    markers: dict[int, str] = {}
    merged: dict[int, set[frozenset]] = {}
    for (entry_id, _), clauses in conditions.items():
        merged.setdefault(entry_id, set()).update(clauses)
    for entry_id, clauses in merged.items():
        if frozenset() in clauses:
            markers[entry_id] = ""
            continue
        smallest = [clause for clause in clauses if not any(other < clause for other in clauses)]
        spoken = (" and ".join(f"({part})" if " or " in part else part for part in sorted(clause)) for clause in smallest)
        markers[entry_id] = " or ".join(sorted(spoken))
    return markers
