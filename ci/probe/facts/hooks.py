"""The hooks of .pre-commit-config.yaml, as far as they tell which tool runs at which version.

The standard library reads no YAML. What is looked for are a few keys with plain values, in the order in which they stand, so
that both ways of writing them (blocks and braces) are understood. pre-commit itself reads the file when the hooks run.
"""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement

from facts.reader import Project
from facts.requirement import requirement

FILES = (".pre-commit-config.yaml", ".pre-commit-config.yml")
KEY = re.compile(
    r"""(?:^|(?<=[\s{,]))['"]?(?P<key>repo|rev|id|additional_dependencies)['"]?[ \t]*:(?=[\s\[])[ \t]*
    (?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|(?P<bare>[^\s\[#,}'"][^\s,}]*))?""",
    re.MULTILINE | re.VERBOSE,
)
VERSION = re.compile(r"v?(\d+(?:\.\d+)+(?:(?:a|b|rc|\.post)\d+)?)")
HOOKS = 500


def hooks_facts(project: Project) -> dict | None:
    file = next((name for name in FILES if project.exists(name)), None)
    if file is None:
        return None
    # Comments on lines of their own; one behind a rev can be its version.
    text = re.sub(r"^[ \t]*#.*$", "", project.text(file) or "", flags=re.MULTILINE)
    repos: list[dict] = []
    for match in list(KEY.finditer(text))[: HOOKS * 4]:
        key, value = match["key"], match["double"] or match["single"] or match["bare"] or ""
        if key == "repo" and value:
            repos.append({"repo": value, "hooks": []})
        elif not repos:
            continue
        elif key == "rev" and value:
            repos[-1] |= version_of(value, text[match.end() : text.find("\n", match.end())])
        elif key == "id" and value:
            repos[-1]["hooks"].append({"id": value, "dependencies": []})
        elif key == "additional_dependencies" and repos[-1]["hooks"]:
            repos[-1]["hooks"][-1]["dependencies"] = listed(text[match.end() :])
    return {"file": file, "repos": repos}


def version_of(rev: str, rest: str) -> dict[str, str]:
    found = VERSION.fullmatch(rev) or re.match(r"\s*#\s*(?:frozen:\s*)?" + VERSION.pattern, rest)
    return {"version": found[1]} if found else {}


def listed(text: str) -> list[str]:
    """The items of the list that a text starts with: `[a, "b"]` or lines with dashes."""
    flow = re.match(r"\s*\[([^\[\]]*(?:\[[^\]]*\][^\[\]]*)*)\]", text)
    if flow is not None:
        items = re.findall(r'"([^"]*)"|\'([^\']*)\'|((?:[^\s,\[\]]|\[[^\]]*\])+)', re.sub(r"\s#.*", "", flow[1]))
        return requirements([next(filter(None, item)) for item in items if any(item)])
    found = []
    for line in text.splitlines()[1:]:
        match = re.fullmatch(r"\s*-\s+(?:\"([^\"]*)\"|'([^']*)'|([^\s:#][^:#]*?))\s*(?:#.*)?", line)
        if match is None:
            if line.strip():
                break
            continue
        found.append(next(filter(None, match.groups()), ""))
    return requirements(found)


def requirements(texts: list[str]) -> list[str]:
    """Those that are requirements: hooks of other languages name packages of theirs, and an installer takes options."""
    found = []
    for text in texts:
        try:
            found.append(requirement(text)["text"])
        except InvalidRequirement:
            continue
    return found
