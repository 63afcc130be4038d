"""pylock.toml and pylock.<name>.toml (PEP 751)."""

from __future__ import annotations

import posixpath
import re
import tomllib

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from facts.flat_lock import add_index, new_lock
from facts.reader import Problem, Project, strings, table


def pylock_facts(project: Project, file: str, pyproject: dict | None) -> dict | None:
    content = project.toml(file)
    if content is None:
        return None
    version = content.get("lock-version")
    if version is None or not str(version).startswith("1."):
        project.report(Problem(file, f"lock-version {version!r} is not one that Pyline reads (1.0)", 1))
        return None
    lock = new_lock(file, "pylock")
    packages = content.get("packages")
    packages = [entry for entry in packages if isinstance(entry, dict)] if isinstance(packages, list) else []
    own = set()
    for number, entry in enumerate(packages):
        directory = table(entry.get("directory"))
        if isinstance(directory.get("path"), str):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(file), directory["path"]))
            if path.startswith(("../", "/")) or path == "..":
                project.report(Problem(file, f"{path} is outside of the project"))
                continue
            own.add(number)
            lock["locals"].append(
                {"path": path, "extras": [], "editable": directory.get("editable") is True, "in": {"main": ""}}
            )
            continue
        name = canonicalize_name(str(entry.get("name", "")))
        fact = {"name": name, "text": f"{name}=={entry.get('version', '')}", "hashes": [], "in": {"main": ""}}
        if isinstance(entry.get("version"), str):
            fact["version"] = entry["version"]
        if "vcs" in entry:
            fact["vcs"] = str(table(entry["vcs"]).get("type"))
        add_index(lock, entry.get("index"))
        lock["packages"].append(fact)
    lock["document"] = without(project.text(file) or "", content, packages, own)
    if isinstance(content.get("created-by"), str):
        lock["createdBy"] = content["created-by"]
    lock["groups"] = [canonicalize_name(name) for name in strings(content.get("dependency-groups"))]
    lock["extras"] = [canonicalize_name(name) for name in strings(content.get("extras"))]
    if pyproject is not None:
        missing = unmet(pyproject, lock["packages"])
        if missing is not None:
            lock["stale"] = "pyproject.toml"
            lock["why"] = missing
    return lock


def without(text: str, content: dict, packages: list[dict], own: set[int]) -> str:
    """The lock without the project's own directories: they are installed later, from the source."""
    if not own:
        return text
    head, *blocks = re.split(r"^(?=\[\[packages\]\])", text, flags=re.MULTILINE)
    kept = head + "".join(block for number, block in enumerate(blocks) if number not in own)
    expected = {**content, "packages": [entry for number, entry in enumerate(packages) if number not in own]}
    try:
        same = tomllib.loads(kept) == (expected if expected["packages"] else {**expected, "packages": []})
    except tomllib.TOMLDecodeError:
        same = False
    return kept if same else text


def unmet(pyproject: dict, packages: list[dict]) -> str | None:
    """A dependency of the project that the lock does not satisfy. The format has no hash of what it was made from."""
    versions: dict[str, list[str]] = {}
    for entry in packages:
        versions.setdefault(entry["name"], []).append(entry.get("version", ""))
    for requirement in table(pyproject.get("project")).get("dependencies", []):
        if requirement.get("url") or ";" in requirement["text"]:
            continue
        found = versions.get(requirement["name"])
        if found is None:
            return f"it has no {requirement['name']}"
        try:
            specifier = SpecifierSet(re.sub(r"^[\w.-]+\s*(\[[^\]]*\])?", "", requirement["text"]).strip(" ()"))
        except InvalidSpecifier:
            continue
        if not any(not version or specifier.contains(version, prereleases=True) for version in found):
            return f"it has {requirement['name']} {found[0]}, and not {requirement['text']}"
    return None
