"""What files say about the Python version."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from facts.reader import Problem, Project, key_line, line_of, table


def specifier_constraint(file: str, line: int | None, rule: str, value: str, supported: list[str]) -> dict:
    fact: dict = {"file": file, "rule": rule, "value": value}
    if line is not None:
        fact["line"] = line
    try:
        specifiers = SpecifierSet(value)
    except InvalidSpecifier:
        return fact
    # The last patch release is what an image of a minor version has: <=3.12 leaves 3.12.4 out, as pip has it.
    fact["allowed"] = [minor for minor in supported if specifiers.contains(f"{minor}.99", prereleases=True)]
    if not fact["allowed"]:
        # An exact patch, ==3.11.4, means its minor.
        exact = re.fullmatch(r"\s*={2,3}\s*(\d+\.\d+)(\.\d+)?\s*", value)
        fact["allowed"] = [minor for minor in supported if exact is not None and minor == exact[1]]
    return fact


def python_version_file(project: Project, supported: list[str]) -> dict | None:
    text = project.text(".python-version")
    if text is None:
        return None
    for number, line in enumerate(text.splitlines(), 1):
        value = line.split("#")[0].strip()
        if not value:
            continue
        fact: dict = {"file": ".python-version", "line": number, "rule": "names", "value": value}
        match = re.fullmatch(r"(?:cpython-?|python-?|py)?v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-[\w.-]+)?", value)
        if match is not None and match[2] is not None:
            fact["minor"] = f"{match[1]}.{match[2]}"
            fact["allowed"] = [fact["minor"]] if fact["minor"] in supported else []
        elif match is not None and match[1] == "3":
            fact["allowed"] = list(supported)
        return fact
    project.report(Problem(".python-version", "names no version", 1))
    return None


def python_facts(
    project: Project, document: dict, setup: dict | None, settings: dict | None, supported: list[str]
) -> list[dict]:
    facts = []
    if project.exists(".python-version"):
        fact = python_version_file(project, supported)
        if fact is not None:
            facts.append(fact)
    requires = table(document.get("project")).get("requires-python")
    if isinstance(requires, str):
        line = line_of(project.text("pyproject.toml") or "", r"^\s*requires-python\s*=")
        facts.append(specifier_constraint("pyproject.toml", line, "requires-python", requires, supported))
    elif setup is not None and "requiresPython" in setup:
        file = setup["files"][-1] if "requiresPython" in setup and len(setup["files"]) == 1 else "setup.cfg"
        for name in setup["files"]:
            line = line_of(project.text(name) or "", r"python_requires\s*=")
            if line is not None:
                file = name
                break
        else:
            line = None
        facts.append(specifier_constraint(file, line, "python_requires", setup["requiresPython"], supported))
    if settings is not None and "python" in settings:
        fact = {"file": settings["file"], "rule": "the python setting", "value": settings["python"]}
        line = key_line(project, settings["file"], "python")
        if line is not None:
            fact["line"] = line
        match = re.fullmatch(r"(\d+\.\d+)(\.\d+)?", settings["python"].strip())
        if match is not None:
            fact["minor"] = match[1]
            fact["allowed"] = [match[1]] if match[1] in supported else []
        facts.append(fact)
    return facts
