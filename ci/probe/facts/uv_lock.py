"""uv.lock, and what of it and pyproject.toml decides what is installed."""

from __future__ import annotations

import posixpath
import re
import tomllib

from facts.neutral import NEUTRAL_VERSION, neutral_pyproject
from facts.pyproject import pyproject_facts
from facts.reader import Problem, Project, line_of, strings, table


def uv_lock_facts(project: Project, pyproject: dict) -> dict | None:
    lock = project.toml("uv.lock")
    if lock is None:
        return None
    packages = (
        [entry for entry in lock.get("package", []) if isinstance(entry, dict)]
        if isinstance(lock.get("package"), list)
        else []
    )
    members = []
    for entry in packages:
        source = table(entry.get("source"))
        for kind in ("editable", "virtual", "directory"):
            path = source.get(kind)
            if isinstance(path, str) and isinstance(entry.get("name"), str):
                members.append({"name": entry["name"], "path": posixpath.normpath(path), "kind": kind})
    documents = {"uv.lock": neutral_lock(project.text("uv.lock") or "", lock, members)}
    versions = {entry["name"]: entry.get("version") for entry in packages if isinstance(entry.get("name"), str)}
    for member in members:
        path = posixpath.normpath(posixpath.join(member["path"], "pyproject.toml"))
        if path.startswith("../"):
            project.report(Problem("uv.lock", f"{member['name']} is at {member['path']}, outside of the project"))
            continue
        if not project.exists(path):
            if member["path"] == ".":
                continue
            project.missing.append(
                {
                    "path": path,
                    "file": "uv.lock",
                    "line": line_of(project.text("uv.lock") or "", rf'^name = "{re.escape(member["name"])}"') or 1,
                }
            )
            continue
        document = pyproject if path == "pyproject.toml" else project.toml(path)
        if document is not None:
            if member["path"] != ".":
                member["pyproject"] = member_facts(project, member["path"], document)
            documents[path] = neutral_pyproject(document, locked=versions.get(member["name"]) is not None)
    if "pyproject.toml" not in documents:
        documents["pyproject.toml"] = neutral_pyproject(pyproject, locked=False)
    if project.exists("uv.toml") and project.text("uv.toml") is not None:
        # Indexes and the like, which uv takes from here before it looks into pyproject.toml.
        documents["uv.toml"] = project.text("uv.toml")
    groups = table(table(lock.get("manifest")).get("dependency-groups"))
    return {
        "documents": documents, "members": members,
        "groups": {name: needs(listed) for name, listed in groups.items()},
        "packages": [package_facts(entry) for entry in packages if isinstance(entry.get("name"), str)],
    }


def package_facts(entry: dict) -> dict:
    """What a package of the lock needs: always, with an extra, with a group."""
    fact: dict = {"name": entry["name"], "needs": needs(entry.get("dependencies"))}
    if isinstance(entry.get("version"), str):
        fact["version"] = entry["version"]
    if "git" in table(entry.get("source")):
        fact["vcs"] = "git"
    for key, kind in (("optional-dependencies", "extras"), ("dev-dependencies", "groups")):
        places = {name: needs(listed) for name, listed in table(entry.get(key)).items()}
        if places:
            fact[kind] = places
    return fact


def needs(listed: object) -> list[dict]:
    found = []
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            extras = strings(entry.get("extra"))
            found.append({"name": entry["name"], "extras": extras} if extras else {"name": entry["name"]})
    return found


def member_facts(project: Project, path: str, document: dict) -> dict:
    """What the pyproject.toml of a member says, for when that member is the one to test."""
    member = Project(posixpath.join(project.root, path))
    facts = pyproject_facts(member, document)
    for problem in member.errors:
        project.report(Problem(posixpath.join(path, problem["file"]), problem["message"], problem.get("line")))
    return facts


def neutral_lock(text: str, lock: dict, members: list[dict]) -> str:
    """The lock with the versions of the project's own packages put out, which change with every release of it."""
    names = {member["name"] for member in members}

    def put_out(block: re.Match) -> str:
        return (
            re.sub(r'^version = ".*"$', f'version = "{NEUTRAL_VERSION}"', block[0], count=1, flags=re.MULTILINE)
            if block[1] in names
            else block[0]
        )

    neutral = re.sub(
        r'^\[\[package\]\]\nname = "([^"]+)"\n(?:.+\n)*', put_out, text.replace("\r\n", "\n"), flags=re.MULTILINE
    )
    expected = dict(lock)
    expected["package"] = [
        {**entry, "version": NEUTRAL_VERSION} if entry.get("name") in names and "version" in entry else entry
        for entry in lock.get("package", [])
    ]
    try:
        same = tomllib.loads(neutral) == expected
    except tomllib.TOMLDecodeError:
        same = False
    # A lock that is not laid out as uv does it, edited by hand perhaps, is taken as it is.
    return neutral if same else text
