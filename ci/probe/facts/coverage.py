"""How coverage is measured: what configures coverage.py, and the options that the project's configuration gives to pytest."""

from __future__ import annotations

import math
import shlex

from facts.reader import Project, line_of, strings, table

# In the order in which coverage.py looks for them; the first that says something is the only one.
FILES = (".coveragerc", "setup.cfg", "tox.ini", "pyproject.toml")
PYTEST_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
WORDS = 200


def coverage_facts(project: Project, document: dict, addopts: list[str]) -> dict | None:
    named = config_option(addopts)
    if named is not None and not project.exists(named):
        # Among the project's files, perhaps, but not among those that were given to the probe.
        project.missing.append({"path": named, "file": "pyproject.toml", "line": 1, "optional": True})
        return None
    for file in FILES if named is None else (named,):
        if not project.exists(file):
            continue
        if file.endswith(".toml"):
            source = document if file == "pyproject.toml" else project.toml(file) or {}
            sections = table(table(source.get("tool")).get("coverage"))
            if not sections:
                continue
            return fact(project, file, table(sections.get("report")).get("fail_under"))
        parser = project.ini(file)
        own = file not in ("setup.cfg", "tox.ini")
        if parser is None or not (own or any(name.startswith("coverage:") for name in parser.sections())):
            continue
        name = "coverage:report" if not own or parser.has_section("coverage:report") else "report"
        return fact(project, file, parser.get(name, "fail_under", fallback=None))
    return None


def fact(project: Project, file: str, needed: object) -> dict:
    found: dict = {"file": file}
    number = percent(needed)
    if number is not None:
        found["failUnder"] = number
        line = line_of(project.text(file) or "", r"^[\w.\s\"']*\bfail_under[\"']?\s*=")
        if line is not None:
            found["line"] = line
    return found


def percent(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None


def config_option(words: list[str]) -> str | None:
    """The file that --cov-config names; the last one counts."""
    found = None
    for index, word in enumerate(words):
        if word.startswith("--cov-config="):
            found = word.partition("=")[2]
        elif word == "--cov-config" and index + 1 < len(words):
            found = words[index + 1]
    return None if found in (None, "", ".coveragerc") or found.startswith(("/", "..")) else found


def pytest_options(project: Project, document: dict) -> dict | None:
    """addopts of the one file that pytest takes its configuration from."""
    for file in PYTEST_FILES:
        if not project.exists(file):
            continue
        if file.endswith(".toml"):
            source = document if file == "pyproject.toml" else project.toml(file) or {}
            tables = [table(source.get("pytest"))]
            if file == "pyproject.toml":
                section = table(table(source.get("tool")).get("pytest"))
                tables = [table(section.get("ini_options")), section]
                if not section:
                    continue
            value = next((one["addopts"] for one in tables if "addopts" in one), None)
        else:
            parser = project.ini(file)
            name = "tool:pytest" if file == "setup.cfg" else "pytest"
            if parser is None or not parser.has_section(name):
                if file.endswith("pytest.ini"):
                    return None
                continue
            value = parser.get(name, "addopts", fallback=None)
        words = split(value)
        return {"file": file, "words": words} if words else None
    return None


def split(value: object) -> list[str]:
    if isinstance(value, list):
        return strings(value)[:WORDS]
    if not isinstance(value, str):
        return []
    try:
        return shlex.split(value, comments=False)[:WORDS]
    except ValueError:
        return value.split()[:WORDS]
