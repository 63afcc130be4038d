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
    settings = table(table(document.get("tool")).get("pdm"))
    # With a workspace the hash is also of its members' files, which only PDM itself finds.
    lock["hashed"] = (
        bool(recorded) and algorithm in hashlib.algorithms_guaranteed and "workspace" not in settings
    ) or isinstance(metadata.get("lock_inputs"), dict)
    if lock["hashed"] and recorded and recorded not in content_hashes(document, algorithm):
        lock["stale"] = "pyproject.toml"
    for source in settings.get("source", []):
        add_index(lock, table(source).get("url"), table(source).get("name"))
    packages = content.get("package")
    packages = [entry for entry in packages if isinstance(entry, dict)] if isinstance(packages, list) else []
    if isinstance(metadata.get("lock_inputs"), dict):
        missing = unmet_inputs(document, metadata["lock_inputs"], packages)
        if missing is not None:
            lock["stale"], lock["why"] = "pyproject.toml", missing
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


def content_hashes(document: dict, algorithm: str) -> set[str]:
    """The hashes that PDM has given to these dependencies: until 2.16 it looked at overrides alone of [tool.pdm.resolution],
    until 2.20 at no PEP 735 group."""
    settings, metadata = table(table(document.get("tool")).get("pdm")), table(document.get("project"))
    own = table(settings.get("dev-dependencies"))
    groups: dict[str, list] = {}
    for listed in (document.get("dependency-groups"), own):
        for name, values in table(listed).items():
            groups.setdefault(canonicalize_name(name), []).extend(values if isinstance(values, list) else [])
    resolution = table(settings.get("resolution"))
    overrides = settings.get("overrides", resolution.get("overrides", {}))
    hashes = set()
    for development in (groups, own):
        for extra in ({"resolution": resolution}, {"overrides": overrides}):
            data = {
                "sources": settings.get("source", []),
                "dependencies": metadata.get("dependencies", []),
                "dev-dependencies": development,
                "optional-dependencies": metadata.get("optional-dependencies", {}),
                "requires-python": metadata.get("requires-python", ""),
                **extra,
            }
            hashes.add(hashlib.new(algorithm, json.dumps(data, sort_keys=True, default=str).encode()).hexdigest())
    return hashes


def listed_in(document: dict) -> dict[str, list[str]]:
    """Requirements by group, as a lock names the groups."""
    metadata = table(document.get("project"))
    listed: dict[str, list[str]] = {"default": strings(metadata.get("dependencies"))}
    for name, values in table(metadata.get("optional-dependencies")).items():
        listed.setdefault(canonicalize_name(name), []).extend(strings(values))
    for groups in (document.get("dependency-groups"), table(table(document.get("tool")).get("pdm")).get("dev-dependencies")):
        for name, values in table(groups).items():
            listed.setdefault(canonicalize_name(name), []).extend(strings(values))
    return listed


def unmet_inputs(document: dict, lock: dict, packages: list[dict]) -> str | None:
    """What of the project a lock with inputs (PDM since 2.27) does not satisfy. It records which requirements there are, and
    whether their versions fit is seen from the lock itself, so that another lower bound needs no new lock."""
    locked = table(table(lock.get("project")).get("groups"))
    current = listed_in(document)
    for group in sorted({name for name, values in current.items() if values} | set(locked)):
        before = sorted(names_in(strings(locked.get(group))))
        now = sorted(names_in(current.get(group, [])))
        missing = [name for name in now if name not in before] + [name for name in before if name not in now]
        if missing:
            where = "" if group == "default" else f" of {group}"
            return f"{missing[0]}{where} was {'added' if missing[0] in now else 'removed'}"
        for text in current.get(group, []):
            for name, _, _, matches in pep508(text):
                found = [entry for entry in packages if canonicalize_name(str(entry.get("name"))) == name]
                if found and not any(matches(str(entry.get("version", ""))) for entry in found):
                    return f"it has {name} {found[0].get('version')}, and not {text}"
    return None


def names_in(texts: list[str]) -> list[str]:
    return [name for text in texts for name, *_ in pep508(text)]
