"""What files say about the Python version."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from facts.markers import poetry_specifiers
from facts.pipfile import pipfile_python
from facts.reader import Problem, Project, key_line, line_of, strings, table


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


def named(fact: dict, match: re.Match, supported: list[str]) -> dict:
    """A file that names one version; with the patch release or without."""
    fact["minor"] = f"{match[1]}.{match[2]}"
    fact["allowed"] = [fact["minor"]] if fact["minor"] in supported else []
    return fact


def tool_versions(project: Project, supported: list[str]) -> dict | None:
    """The python line of .tool-versions, which asdf and mise read. Several versions are for a matrix; the first is used."""
    text = project.text(".tool-versions") if project.exists(".tool-versions") else None
    for number, line in enumerate((text or "").splitlines(), 1):
        words = line.split("#")[0].split()
        if len(words) < 2 or words[0] != "python" or words[1] in ("system", "latest"):
            continue
        fact = {"file": ".tool-versions", "line": number, "rule": "names", "value": words[1]}
        match = re.fullmatch(r"(\d+)\.(\d+)(?:\.\w+)?", words[1])
        return fact if match is None else named(fact, match, supported)
    return None


MISE = ("mise.toml", ".mise.toml", "mise/config.toml", ".mise/config.toml", ".config/mise.toml", ".config/mise/config.toml")


def mise(project: Project, supported: list[str]) -> dict | None:
    """`python` of [tools] in the configuration of mise."""
    file = next((name for name in MISE if project.exists(name)), None)
    tools = table((project.toml(file) or {}).get("tools")) if file is not None else {}
    value = tools.get("python")
    value = value[0] if isinstance(value, list) and value else value
    value = value.get("version") if isinstance(value, dict) else value
    if file is None or not isinstance(value, (str, int, float)) or str(value) in ("system", "latest"):
        return None
    fact: dict = {"file": file, "rule": "names", "value": str(value)}
    line = key_line(project, file, "python")
    if line is not None:
        fact["line"] = line
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.\w+)?", fact["value"])
    if match is None and fact["value"] == "3":
        fact["allowed"] = list(supported)
    return fact if match is None else named(fact, match, supported)


def runtime_txt(project: Project, supported: list[str]) -> dict | None:
    """Heroku's runtime.txt."""
    text = project.text("runtime.txt") if project.exists("runtime.txt") else None
    if text is None or not text.strip():
        return None
    fact = {"file": "runtime.txt", "line": 1, "rule": "names", "value": text.strip().splitlines()[0].strip()}
    match = re.fullmatch(r"python-(\d+)\.(\d+)(?:\.\w+)?", fact["value"])
    return fact if match is None else named(fact, match, supported)


def poetry_python(project: Project, document: dict, supported: list[str]) -> dict | None:
    tool = table(table(document.get("tool")).get("poetry"))
    value = table(tool.get("dependencies")).get("python")
    value = table(value).get("version") if isinstance(value, dict) else value
    if not isinstance(value, str):
        return None
    fact: dict = {"file": "pyproject.toml", "rule": "Poetry's python", "value": value}
    line = line_of(project.text("pyproject.toml") or "", r"^\s*python\s*=")
    if line is not None:
        fact["line"] = line
    alternatives = poetry_specifiers(value)
    if alternatives is not None:
        facts = [specifier_constraint("", None, "", alternative, supported) for alternative in alternatives]
        fact["allowed"] = [minor for minor in supported if any(minor in other["allowed"] for other in facts)]
    return fact


def classifiers(document: dict, setup: dict | None) -> list[str]:
    """Minor versions of the `Programming Language :: Python :: 3.x` classifiers."""
    metadata = table(document.get("project"))
    listed = strings(metadata.get("classifiers"))
    listed += strings(table(table(document.get("tool")).get("poetry")).get("classifiers"))
    listed += strings((setup or {}).get("classifiers"))
    found = (re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", text.strip()) for text in listed)
    return sorted({match[1] for match in found if match is not None}, key=lambda minor: int(minor[2:]))


def python_facts(
    project: Project, document: dict, setup: dict | None, settings: dict | None, scripts: list[dict], supported: list[str]
) -> list[dict]:
    facts = []
    if project.exists(".python-version"):
        fact = python_version_file(project, supported)
        if fact is not None:
            facts.append(fact)
    for read in (tool_versions, mise, runtime_txt):
        fact = read(project, supported)
        if fact is not None:
            facts.append(fact)
    facts += pipfile_python(project, supported)
    fact = poetry_python(project, document, supported)
    if fact is not None:
        facts.append(fact)
    for script in scripts:
        if "requiresPython" in script:
            facts.append(
                specifier_constraint(
                    script["file"], script.get("line"), "requires-python", script["requiresPython"], supported
                )
            )
    requires = table(document.get("project")).get("requires-python")
    if isinstance(requires, str):
        line = line_of(project.text("pyproject.toml") or "", r"^\s*requires-python\s*=")
        fact = specifier_constraint("pyproject.toml", line, "requires-python", requires, supported)
        if "allowed" not in fact and project.exists("poetry.lock"):
            # Poetry takes its own spelling, such as "3.12.*", here too.
            own = poetry_specifiers(requires)
            if own is not None and len(own) == 1:
                fact = {**specifier_constraint("pyproject.toml", line, "requires-python", own[0], supported), "value": requires}
        facts.append(fact)
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
