"""pdm.lock, with and without inherited metadata."""

from __future__ import annotations

import hashlib
import json

from packaging.utils import canonicalize_name

from facts.flat_lock import add_index, add_local, closure, new_lock
from facts.poetry_lock import pep508
from facts.reader import Project, strings, table

MAIN = "main"


def pdm_lock_facts(project: Project, document: dict) -> dict | None:
    content = project.toml("pdm.lock")
    if content is None:
        return None
    lock = new_lock("pdm.lock", "pdm")
    metadata = table(content.get("metadata"))
    algorithm, _, recorded = str(metadata.get("content_hash", "")).partition(":")
    lock["hashed"] = bool(recorded) and algorithm in hashlib.algorithms_guaranteed
    if lock["hashed"] and recorded != content_hash(document, algorithm):
        lock["stale"] = "pyproject.toml"
    for source in table(table(document.get("tool")).get("pdm")).get("source", []):
        add_index(lock, table(source).get("url"), table(source).get("name"))
    packages = content.get("package")
    packages = [entry for entry in packages if isinstance(entry, dict)] if isinstance(packages, list) else []
    optional = {canonicalize_name(name) for name in table(table(document.get("project")).get("optional-dependencies"))}
    inherited = "inherit_metadata" in strings(metadata.get("strategy"))
    places = None if inherited else walked(document, packages)
    seen: dict[str, dict] = {}
    for entry in packages:
        if places is None:
            marker = str(entry.get("marker", ""))
            groups = {group_name(group, optional): marker for group in strings(entry.get("groups")) or ["default"]}
        else:
            groups = places.get(id(entry), {})
        if groups:
            add_package(project, lock, entry, groups, seen)
    return lock


def group_name(group: str, optional: set[str]) -> str:
    name = canonicalize_name(group)
    return MAIN if name == "default" else f"extra:{name}" if name in optional else name


def add_package(project: Project, lock: dict, entry: dict, groups: dict[str, str], seen: dict[str, dict]) -> None:
    name, version = str(entry.get("name", "")), str(entry.get("version", ""))
    if isinstance(entry.get("path"), str):
        add_local(project, lock, entry["path"], editable=entry.get("editable") is True, groups=groups)
        return
    fact: dict = {"name": canonicalize_name(name), "version": version, "hashes": [], "in": groups}
    if isinstance(entry.get("git"), str):
        subdirectory = f"#subdirectory={entry['subdirectory']}" if entry.get("subdirectory") else ""
        fact |= {"text": f"{name} @ git+{entry['git']}@{entry.get('revision', 'HEAD')}{subdirectory}", "vcs": "git"}
    else:
        fact["text"] = f"{name} @ {entry['url']}" if isinstance(entry.get("url"), str) else f"{name}=={version}"
        files = entry.get("files") if isinstance(entry.get("files"), list) else []
        fact["hashes"] = sorted({table(file)["hash"] for file in files if isinstance(table(file).get("hash"), str)})
    # A package with extras has an entry of its own beside the plain one.
    known = seen.setdefault(fact["text"], fact)
    if known is not fact:
        for group, marker in groups.items():
            before = known["in"].get(group)
            both = sorted({marker, before} - {None})
            known["in"][group] = "" if "" in both else " or ".join(f"({part})" if len(both) > 1 else part for part in both)
        return
    lock["packages"].append(fact)


def walked(document: dict, packages: list[dict]) -> dict[int, dict[str, str]]:
    entries: dict[str, list[dict]] = {}
    for entry in packages:
        entries.setdefault(canonicalize_name(str(entry.get("name"))), []).append(entry)

    def children(entry: dict, _extras: frozenset):
        for text in strings(entry.get("dependencies")):
            yield from pep508(text)

    metadata = table(document.get("project"))
    listed: dict[str, list[str]] = {MAIN: strings(metadata.get("dependencies"))}
    for name, values in table(metadata.get("optional-dependencies")).items():
        listed[f"extra:{canonicalize_name(name)}"] = strings(values)
    for groups in (document.get("dependency-groups"), table(table(document.get("tool")).get("pdm")).get("dev-dependencies")):
        for name, values in table(groups).items():
            listed.setdefault(canonicalize_name(name), []).extend(strings(values))
    places: dict[int, dict[str, str]] = {}
    for group, texts in listed.items():
        roots = [need for text in texts for need in pep508(text)]
        for entry_id, marker in closure(roots, entries, children).items():
            places.setdefault(entry_id, {})[group] = marker
    return places


def content_hash(document: dict, algorithm: str) -> str:
    """As PDM has it since 2.8."""
    settings, metadata = table(table(document.get("tool")).get("pdm")), table(document.get("project"))
    groups: dict[str, list] = {}
    for listed in (document.get("dependency-groups"), settings.get("dev-dependencies")):
        for name, values in table(listed).items():
            groups.setdefault(canonicalize_name(name), []).extend(values if isinstance(values, list) else [])
    data = {
        "sources": settings.get("source", []),
        "dependencies": metadata.get("dependencies", []),
        "dev-dependencies": groups,
        "optional-dependencies": metadata.get("optional-dependencies", {}),
        "requires-python": metadata.get("requires-python", ""),
        "resolution": settings.get("resolution", {}),
    }
    return hashlib.new(algorithm, json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()
