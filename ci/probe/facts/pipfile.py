"""Pipfile and Pipfile.lock."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable

from packaging.utils import canonicalize_name

from facts.flat_lock import add_index, add_local, new_lock
from facts.reader import Problem, Project, line_of, strings, table

SECTIONS = {"source", "packages", "requires", "scripts", "pipfile", "pipenv", "dev-packages", "default", "develop"}


def pipfile_lock_facts(project: Project) -> dict | None:
    text = project.text("Pipfile.lock")
    if text is None:
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        reason = getattr(error, "msg", "nested too deeply")
        project.report(Problem("Pipfile.lock", f"is not valid JSON: {reason}", line, getattr(error, "colno", None)))
        return None
    content = table(content)
    lock = new_lock("Pipfile.lock", "pipenv")
    meta = table(content.get("_meta"))
    pipfile = project.toml("Pipfile") if project.exists("Pipfile") else None
    recorded = table(meta.get("hash")).get("sha256")
    lock["hashed"] = isinstance(recorded, str)
    if pipfile is not None and isinstance(recorded, str) and recorded not in content_hashes(pipfile):
        lock["stale"] = "Pipfile"
    for source in meta.get("sources", []) if isinstance(meta.get("sources"), list) else []:
        add_index(lock, table(source).get("url"), table(source).get("name"))
    seen: dict[str, dict] = {}
    for section, entries in content.items():
        if section == "_meta":
            continue
        group = {"default": "main", "develop": "dev"}.get(section, canonicalize_name(section))
        for name, entry in table(entries).items():
            add_package(project, lock, name, table(entry), group, seen)
    return lock


def add_package(project: Project, lock: dict, name: str, entry: dict, group: str, seen: dict[str, dict]) -> None:
    marker = str(entry.get("markers", ""))
    local = entry.get("path") or entry.get("file")
    if isinstance(local, str) and "://" not in local:
        add_local(project, lock, local, editable=entry.get("editable") is True, groups={group: marker})
        return
    hashes = sorted(strings(entry.get("hashes")))
    fact: dict = {"name": canonicalize_name(name), "hashes": hashes, "in": {group: marker}}
    if isinstance(entry.get("git"), str):
        subdirectory = f"#subdirectory={entry['subdirectory']}" if entry.get("subdirectory") else ""
        fact |= {"text": f"{name} @ git+{entry['git']}@{entry.get('ref', 'HEAD')}{subdirectory}", "vcs": "git", "hashes": []}
    elif isinstance(local, str):
        fact["text"] = f"{name} @ {local}"
    else:
        version = str(entry.get("version", ""))
        fact |= {"text": f"{name}{'' if version == '*' else version}", "version": version.removeprefix("==")}
    known = seen.setdefault(fact["text"], fact)
    if known is fact:
        lock["packages"].append(fact)
    else:
        known["in"][group] = marker


DEFAULT_SOURCE = [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}]


def content_hashes(pipfile: dict) -> set[str]:
    """The hashes that Pipenv has given to a Pipfile: since 2026 the spelling of names does not matter."""
    hashes = set()
    for name_of in (str, canonicalize_name):
        data = {
            "_meta": {"sources": pipfile.get("source", DEFAULT_SOURCE), "requires": pipfile.get("requires", {})},
            "default": renamed(pipfile.get("packages", {}), name_of),
            "develop": renamed(pipfile.get("dev-packages", {}), name_of),
        }
        for category, values in pipfile.items():
            if category not in SECTIONS:
                data[category] = renamed(values, name_of)
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
        hashes.add(hashlib.sha256(text.encode()).hexdigest())
    return hashes


def renamed(section: object, name_of: Callable[[str], str]) -> object:
    return {name_of(name): value for name, value in section.items()} if isinstance(section, dict) else section


def pipfile_python(project: Project, supported: list[str]) -> list[dict]:
    """[requires] of a Pipfile."""
    if not project.exists("Pipfile"):
        return []
    requires = table((project.toml("Pipfile") or {}).get("requires"))
    for key in ("python_version", "python_full_version"):
        value = requires.get(key)
        if not isinstance(value, str) or value == "*":
            continue
        fact: dict = {"file": "Pipfile", "rule": key, "value": value}
        line = line_of(project.text("Pipfile") or "", rf"^\s*{key}\s*=")
        if line is not None:
            fact["line"] = line
        match = re.match(r"(\d+\.\d+)", value)
        if match is not None:
            fact["minor"] = match[1]
            fact["allowed"] = [match[1]] if match[1] in supported else []
        elif value == "3":
            fact["allowed"] = list(supported)
        return [fact]
    return []
