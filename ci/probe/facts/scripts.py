"""Inline metadata of scripts (PEP 723), for projects of scripts alone."""

from __future__ import annotations

import os
import re
import tomllib

from facts.reader import Problem, Project, line_of
from facts.requirement import requirement_list

# The reference implementation's own expression.
BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
SCRIPTS = 100


def script_facts(project: Project) -> list[dict]:
    found = []
    for name in sorted(os.listdir(project.root))[:SCRIPTS]:
        if not name.endswith(".py"):
            continue
        text = project.text(name)
        blocks = [match for match in BLOCK.finditer((text or "").replace("\r\n", "\n")) if match["type"] == "script"]
        if not blocks:
            continue
        line = line_of(text or "", r"^# /// script$")
        if len(blocks) > 1:
            project.report(Problem(name, "has more than one block of script metadata", line))
            continue
        content = "".join(
            part[2:] if part.startswith("# ") else part[1:] for part in blocks[0]["content"].splitlines(keepends=True)
        )
        try:
            metadata = tomllib.loads(content)
        except tomllib.TOMLDecodeError as error:
            project.report(Problem(name, f"its script metadata is not valid TOML: {error}", line))
            continue
        fact: dict = {"file": name, "requirements": []}
        if line is not None:
            fact["line"] = line
        fact["requirements"] = requirement_list(project, name, "dependencies", metadata.get("dependencies"))
        if isinstance(metadata.get("requires-python"), str):
            fact["requiresPython"] = metadata["requires-python"]
        found.append(fact)
    return found
