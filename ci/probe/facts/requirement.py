"""Requirements as PEP 508 has them."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from facts.reader import Problem, Project, key_line, line_of


def requirement(text: str) -> dict:
    """A PEP 508 requirement as a fact. Raises InvalidRequirement."""
    parsed = Requirement(text)
    fact: dict = {"name": canonicalize_name(parsed.name), "text": text.strip()}
    if parsed.extras:
        fact["extras"] = sorted(parsed.extras)
    if parsed.url is not None:
        fact["url"] = True
        note_vcs(fact, parsed.url)
    return fact


def note_vcs(fact: dict, url: str) -> None:
    vcs = re.match(r"(git|hg|svn|bzr)\+", url)
    if vcs is not None:
        fact["vcs"] = vcs[1]


def requirement_list(project: Project, file: str, where: str, values: object) -> list[dict]:
    facts = []
    if not isinstance(values, list):
        if values is not None:
            project.report(Problem(file, f"{where} must be a list of requirements", key_line(project, file, where)))
        return facts
    for value in values:
        if not isinstance(value, str):
            project.report(Problem(file, f"{where} must hold strings only", key_line(project, file, where)))
            continue
        try:
            facts.append(requirement(value))
        except InvalidRequirement as error:
            reason = str(error).split("\n")[0]
            quoted = re.escape(value).replace(r"\"", r"\\?\"")
            line = line_of(project.text(file) or "", rf"[\"']{quoted}[\"']")
            project.report(Problem(file, f"{where}: {value!r} is not a requirement: {reason}", line))
    return facts
