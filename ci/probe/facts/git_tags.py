"""The version that git's tags would give a build that asks git for it.

Of `.git` only the names of tags are there. They do not change with a commit, as everything else of it does, so a version that
is made of them builds nothing again.
"""

from __future__ import annotations

import fnmatch
import os
import posixpath
import re
import shlex

from packaging.version import InvalidVersion, Version

from facts.reader import Project, table

TAGS = 20_000
NAME = 200

# As setuptools-scm has it: an optional prefix of words and a version.
TAG = r"^(?:[\w-]+-)?(?P<version>[vV]?\d+(?:\.\d+){0,2}[^\+]*)(?:\+.*)?$"


def git_facts(project: Project, document: dict) -> dict | None:
    """Where `.git` is: its tags, and the highest version among them."""
    if not project.exists(".git"):
        return None
    path = os.path.join(project.root, ".git")
    if os.path.islink(path) or not os.path.isdir(path):
        # A worktree or a submodule: the repository is elsewhere.
        return {"elsewhere": True, "tags": 0}
    names = sorted(set(packed(project)) | set(loose(project)))[:TAGS]
    facts: dict = {"tags": len(names)}
    if project.exists(".git/shallow"):
        facts["shallow"] = True
    found = highest(names, *configured(document))
    if found is not None:
        facts["version"], facts["tag"] = found
    return facts


def packed(project: Project) -> list[str]:
    if not project.exists(".git/packed-refs"):
        return []
    text = project.text(".git/packed-refs") or ""
    return re.findall(rf"^[0-9a-f]{{40,64}} refs/tags/(\S{{1,{NAME}}})$", text, re.MULTILINE)


def loose(project: Project) -> list[str]:
    root = os.path.join(project.root, ".git/refs/tags")
    found: list[str] = []
    for directory, _, files in os.walk(root):
        relative = os.path.relpath(directory, root)
        found += [posixpath.normpath(posixpath.join(relative, name)) for name in files if len(name) <= NAME]
        if len(found) > TAGS:
            break
    return found


def configured(document: dict) -> tuple[str, list[str]]:
    """How the project tells versions in tags, and which tags are its own."""
    tool = table(document.get("tool"))
    scm = table(tool.get("setuptools_scm"))
    hatch = table(table(tool.get("hatch")).get("version"))
    raw = table(hatch.get("raw-options"))
    pdm = table(table(tool.get("pdm")).get("version"))
    regexes = (scm.get("tag_regex"), hatch.get("tag-pattern"), raw.get("tag_regex"), pdm.get("tag_regex"))
    regex = next((value for value in regexes if isinstance(value, str)), TAG)
    globs: list[str] = []
    for options in (scm, raw):
        describe = options.get("git_describe_command") or table(table(options.get("scm")).get("git")).get("describe_command")
        try:
            words = shlex.split(describe) if isinstance(describe, str) else describe if isinstance(describe, list) else []
        except ValueError:
            words = []
        for word, following in zip(words, [*words[1:], ""]):
            if word == "--match":
                globs.append(str(following))
            elif str(word).startswith("--match="):
                globs.append(str(word)[len("--match=") :])
    for value in (pdm.get("tag_filter"),):
        globs += [value] if isinstance(value, str) else []
    return regex, globs


def highest(names: list[str], regex: str, globs: list[str]) -> tuple[str, str] | None:
    try:
        pattern = re.compile(regex)
    except re.error:
        pattern = re.compile(TAG)
    found: list[tuple[Version, str]] = []
    for name in names:
        if globs and not any(fnmatch.fnmatchcase(name, glob) for glob in globs):
            continue
        match = pattern.search(name)
        if match is None:
            continue
        text = match["version"] if "version" in pattern.groupindex else match[1] if pattern.groups else match[0]
        try:
            found.append((Version(text or ""), name))
        except InvalidVersion:
            continue
    if not found:
        return None
    version, tag = max(found)
    return str(version), tag
