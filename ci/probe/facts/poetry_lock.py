"""poetry.lock, as Poetry 1 and 2 write it, and [tool.poetry]."""

from __future__ import annotations

import hashlib
import json
import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from facts.flat_lock import add_index, add_local, closure, new_lock, split_by_extra
from facts.markers import poetry_specifiers, python_marker
from facts.reader import Project, strings, table

MAIN = "main"


def poetry_facts(document: dict) -> dict | None:
    """[tool.poetry], where PEP 621 does not say it."""
    tool = table(document.get("tool")).get("poetry")
    if not isinstance(tool, dict):
        return None
    main = {name: value for name, value in table(tool.get("dependencies")).items() if name.lower() != "python"}
    optional = {name for name, value in main.items() if isinstance(value, dict) and value.get("optional") is True}
    facts: dict = {
        "package": tool.get("package-mode") is not False,
        "dependencies": as_requirements({name: value for name, value in main.items() if name not in optional}),
        "groups": {name: as_requirements(listed) for name, listed in poetry_groups(document).items()},
        "extras": {
            canonicalize_name(extra): as_requirements({name: main[name] for name in strings(names) if name in main})
            for extra, names in table(tool.get("extras")).items()
        },
    }
    if isinstance(tool.get("name"), str):
        facts["name"] = tool["name"]
    if isinstance(tool.get("version"), str):
        facts["version"] = tool["version"]
    return facts


def poetry_groups(document: dict) -> dict[str, dict]:
    """Dependencies by group, as Poetry writes them; PEP 735 groups are beside these."""
    tool = table(table(document.get("tool")).get("poetry"))
    groups = {
        canonicalize_name(name): table(table(group).get("dependencies")) for name, group in table(tool.get("group")).items()
    }
    if isinstance(tool.get("dev-dependencies"), dict):
        groups["dev"] = {**tool["dev-dependencies"], **groups.get("dev", {})}
    return groups


def as_requirements(listed: dict) -> list[dict]:
    """Dependencies as Poetry writes them, as PEP 508 has them; for projects that nothing locks."""
    found = []
    for name, value in listed.items():
        for item in value if isinstance(value, list) else [value]:
            entry = {"version": item} if isinstance(item, str) else table(item)
            if "path" in entry:
                continue
            extras = strings(entry.get("extras"))
            text = name + (f"[{','.join(extras)}]" if extras else "")
            fact: dict = {"name": canonicalize_name(name)}
            if isinstance(entry.get("git"), str):
                reference = next((f"@{entry[key]}" for key in ("rev", "tag", "branch") if key in entry), "")
                text += f" @ git+{entry['git']}{reference}"
                fact |= {"url": True, "vcs": "git"}
            elif isinstance(entry.get("url"), str):
                text += f" @ {entry['url']}"
                fact["url"] = True
            else:
                alternatives = poetry_specifiers(str(entry.get("version", "*"))) or []
                # PEP 440 has no "or" between versions.
                text += alternatives[0] if len(alternatives) == 1 else ""
            conditions = [str(entry.get("markers", "")), python_marker(str(entry["python"])) if "python" in entry else ""]
            marker = " and ".join(f"({part})" for part in conditions if part)
            fact["text"] = f"{text} ; {marker}" if marker else text
            found.append(fact)
    return found


def poetry_lock_facts(project: Project, document: dict) -> dict | None:
    content = project.toml("poetry.lock")
    if content is None:
        return None
    lock = new_lock("poetry.lock", "poetry")
    metadata = table(content.get("metadata"))
    recorded = metadata.get("content-hash")
    lock["hashed"] = isinstance(recorded, str)
    if isinstance(recorded, str) and recorded not in content_hashes(document):
        lock["stale"] = "pyproject.toml"
    packages = content.get("package")
    packages = [entry for entry in packages if isinstance(entry, dict)] if isinstance(packages, list) else []
    extras = sorted(canonicalize_name(name) for name in table(content.get("extras")))
    # Since lock version 2.1 each package says which groups want it, and under which marker.
    if any("groups" in entry for entry in packages):
        places = {id(entry): places_of(entry, extras) for entry in packages}
    else:
        places = walked(document, content, packages, extras)
    old_files = table(metadata.get("files"))
    for entry in packages:
        groups = places.get(id(entry), {})
        if groups:
            add_package(project, lock, entry, groups, old_files)
    return lock


def places_of(entry: dict, extras: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for group in strings(entry.get("groups")):
        marker = entry.get("markers", "")
        if isinstance(marker, dict):
            marker = marker.get(group, "")
        if group == MAIN:
            found.update(split_by_extra(marker, extras, MAIN))
        else:
            found[canonicalize_name(group)] = marker
    return found


def add_package(project: Project, lock: dict, entry: dict, groups: dict[str, str], old_files: dict) -> None:
    name, version = str(entry.get("name", "")), str(entry.get("version", ""))
    source = table(entry.get("source"))
    url, kind = source.get("url"), source.get("type")
    fact: dict = {"name": canonicalize_name(name), "version": version, "hashes": [], "in": groups}
    if kind in ("directory", "file"):
        add_local(project, lock, str(url), editable=entry.get("develop") is True, groups=groups)
        return
    if kind == "git":
        reference = source.get("resolved_reference") or source.get("reference") or "HEAD"
        subdirectory = f"#subdirectory={source['subdirectory']}" if source.get("subdirectory") else ""
        fact |= {"text": f"{name} @ git+{url}@{reference}{subdirectory}", "vcs": "git"}
    elif kind == "url":
        fact["text"] = f"{name} @ {url}"
    else:
        fact["text"] = f"{name}=={version}"
        if kind == "legacy":
            add_index(lock, url, source.get("reference"))
    files = entry.get("files")
    files = files if isinstance(files, list) else old_files.get(name, [])
    if kind != "git":
        fact["hashes"] = sorted({table(file)["hash"] for file in files if isinstance(table(file).get("hash"), str)})
    lock["packages"].append(fact)


def needs(name: str, value: object, *, extras: frozenset = frozenset()):
    """A dependency as Poetry writes it: a version, a table, or a list of tables."""
    for item in value if isinstance(value, list) else [value]:
        entry = {"version": item} if isinstance(item, str) else table(item)
        if entry.get("optional") is True and canonicalize_name(name) not in extras:
            continue
        parts = [str(entry.get("markers", "")), python_marker(str(entry["python"])) if "python" in entry else ""]
        marker = " and ".join(f"({part})" if len([p for p in parts if p]) > 1 else part for part in parts if part)
        wanted = poetry_specifiers(str(entry.get("version", "*")))

        def matches(version: str, wanted=wanted) -> bool:
            if not version or wanted is None:
                return True
            return any(SpecifierSet(specifiers).contains(version, prereleases=True) for specifiers in wanted)

        yield canonicalize_name(name), frozenset(map(canonicalize_name, strings(entry.get("extras")))), marker, matches


def walked(document: dict, content: dict, packages: list[dict], extras: list[str]) -> dict[int, dict[str, str]]:
    entries: dict[str, list[dict]] = {}
    for entry in packages:
        entries.setdefault(canonicalize_name(str(entry.get("name"))), []).append(entry)

    def children(entry: dict, wanted: frozenset):
        brought = set()
        for extra, listed in table(entry.get("extras")).items():
            if canonicalize_name(extra) in wanted:
                brought |= {canonicalize_name(re.split(r"[\s\[(;<>=!~]", item.strip())[0]) for item in strings(listed)}
        for name, value in table(entry.get("dependencies")).items():
            yield from needs(name, value, extras=frozenset(brought))

    tool = table(table(document.get("tool")).get("poetry"))
    roots: dict[str, list] = {MAIN: []}
    dependencies = {name: value for name, value in table(tool.get("dependencies")).items() if name.lower() != "python"}
    metadata = table(document.get("project"))
    for text in strings(metadata.get("dependencies")):
        roots[MAIN] += pep508(text)
    for name, value in dependencies.items():
        roots[MAIN] += needs(name, value)
    for extra in extras:
        listed = table(tool.get("extras")).get(extra) or table(content.get("extras")).get(extra)
        names = frozenset(canonicalize_name(re.split(r"[\s\[(;<>=!~]", name)[0]) for name in strings(listed))
        roots[f"extra:{extra}"] = [
            need
            for name, value in dependencies.items()
            if canonicalize_name(name) in names
            for need in needs(name, value, extras=names)
        ]
    for group, wanted in poetry_groups(document).items():
        roots[group] = [need for name, value in wanted.items() for need in needs(name, value)]
    places: dict[int, dict[str, str]] = {}
    for group, wanted in roots.items():
        for entry_id, marker in closure(wanted, entries, children).items():
            places.setdefault(entry_id, {})[group] = marker
    return places


def pep508(text: str):
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        return
    specifier = parsed.specifier
    yield (
        canonicalize_name(parsed.name),
        frozenset(map(canonicalize_name, parsed.extras)),
        "" if parsed.marker is None else str(parsed.marker),
        lambda version: not version or specifier.contains(version, prereleases=True),
    )


def content_hashes(document: dict) -> set[str]:
    """Every hash that a Poetry has ever given to these dependencies: what it hashes grew with PEP 621 and PEP 735."""
    tool = table(table(document.get("tool")).get("poetry"))
    legacy = ("dependencies", "source", "extras", "dev-dependencies")
    metadata = table(document.get("project"))
    ours = {
        key: metadata[key] for key in ("requires-python", "dependencies", "optional-dependencies") if key in metadata
    }
    hashes = set()
    for keys in (legacy, (*legacy, "group")):
        for groups in ({}, table(document.get("dependency-groups"))):
            for project in ({}, ours):
                relevant = {
                    key: tool.get(key)
                    for key in keys
                    if tool.get(key) is not None or (key in legacy and not project and not groups)
                }
                content: dict = {}
                if project:
                    content["project"] = project
                if groups:
                    content["dependency-groups"] = groups
                content = {**content, "tool": {"poetry": relevant}} if content else relevant
                text = json.dumps(content, sort_keys=True, default=str)
                hashes.add(hashlib.sha256(text.encode()).hexdigest())
    return hashes
