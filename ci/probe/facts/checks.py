"""What the project's files say of linters, formatters and type checkers.

Their own files are never an error here: the tool that reads them says so itself, and the tests can run without it.
"""

from __future__ import annotations

import configparser
import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from facts.hooks import hooks_facts
from facts.reader import Project, table

# Files that are a tool's configuration by being there, in the order in which the tool looks for them.
FILES = {
    "ruff": (".ruff.toml", "ruff.toml"),
    "isort": (".isort.cfg",),
    "flake8": (".flake8",),
    "pylint": (".pylintrc", "pylintrc", ".pylintrc.toml", "pylintrc.toml"),
    "mypy": ("mypy.ini", ".mypy.ini"),
    "pyright": ("pyrightconfig.json",),
    "ty": ("ty.toml",),
}
TABLES = ("ruff", "black", "isort", "pylint", "mypy", "pyright", "basedpyright", "ty")
# Sections of files that tools share. pylint's start with its name.
SECTIONS = {
    "flake8": (("setup.cfg", r"flake8"), ("tox.ini", r"flake8")),
    "isort": (("setup.cfg", r"(?:tool:)?isort"), ("tox.ini", r"isort")),
    "mypy": (("setup.cfg", r"mypy"),),
    "pylint": (("setup.cfg", r"pylint(?:\..+)?"), ("tox.ini", r"pylint(?:\..+)?")),
}
COMMANDS = ("pyproject.toml", "tox.ini", "noxfile.py", "Makefile", "justfile", "hatch.toml")
COMMAND = re.compile(r"(?<![\w./-])(?P<tool>ruff\s+(?:check|format)|mypy|flake8|pylint|black|isort)(?P<words>(?:\s+\S+)*)\s*$")
PATH = re.compile(r"(?!-)(?!.*\.\.)[\w.][\w./-]*")
PATHS = 50
TARGETS = ("files", "packages", "modules")


def check_facts(project: Project, document: dict, requirements: list[dict]) -> dict | None:
    """None where the project says nothing of checks."""
    quiet = Project(project.root)
    quiet.texts = dict(project.texts)
    facts: dict = {}
    configs = [fact for fact in (config(quiet, document, tool) for tool in sorted({*FILES, *TABLES, *SECTIONS})) if fact]
    if configs:
        facts["configs"] = configs
    hooks = hooks_facts(quiet)
    if hooks is not None:
        facts["hooks"] = hooks
    commands = own_commands(quiet)
    if commands:
        facts["commands"] = commands
    compiled = compiled_lists(requirements)
    if compiled:
        facts["compiled"] = compiled
    return facts or None


def config(project: Project, document: dict, tool: str) -> dict | None:
    """Where a tool finds its configuration: the first of the places it looks into."""
    for file in FILES.get(tool, ()):
        if project.exists(file):
            return described(tool, file, "", content(project, file, tool))
    if tool in TABLES and tool in table(document.get("tool")):
        return described(tool, "pyproject.toml", f"tool.{tool}", table(table(document.get("tool")).get(tool)))
    for file, pattern in SECTIONS.get(tool, ()):
        parser = ini(project, file)
        sections = [] if parser is None else [name for name in parser.sections() if re.fullmatch(pattern, name)]
        if parser is not None and sections:
            return described(tool, file, sections[0], dict(parser.items(sections[0])))
    return None


def described(tool: str, file: str, section: str, settings: dict) -> dict:
    fact: dict = {"tool": tool, "file": file}
    if section:
        fact["section"] = section
    if tool == "ruff" and "format" in settings:
        fact["format"] = True
    if tool == "mypy" and any(key in settings for key in TARGETS):
        fact["targets"] = True
    return fact


def content(project: Project, file: str, tool: str) -> dict:
    if file.endswith(".toml"):
        return project.toml(file) or {}
    parser = ini(project, file)
    return dict(parser.items(tool)) if parser is not None and parser.has_section(tool) else {}


def ini(project: Project, file: str) -> configparser.RawConfigParser | None:
    return project.ini(file) if project.exists(file) else None


def own_commands(project: Project) -> list[dict]:
    """Where the project's own commands start the tools, and on which paths, for each tool and file."""
    found: dict[tuple[str, str], dict] = {}
    for file in COMMANDS:
        for number, line in enumerate((project.text(file) or "").splitlines() if project.exists(file) else (), 1):
            # `session.run("mypy", "src")` and `["mypy", "src"]` are words as well.
            for match in COMMAND.finditer(re.sub(r"posargs:?|[\[\](){}'\",]", " ", re.sub(r"(^|\s)[#;].*", "", line))):
                tool = re.sub(r"\s+", " ", match["tool"])
                paths = [word for word in re.split(r"[;&|]", match["words"])[0].split() if PATH.fullmatch(word)]
                if not paths and tool != "ruff format":
                    continue
                known = found.setdefault((tool, file), {"tool": tool, "file": file, "line": number, "paths": []})
                known["paths"] = [*known["paths"], *(path for path in paths if path not in known["paths"])][:PATHS]
    return list(found.values())


def compiled_lists(files: list[dict]) -> list[dict]:
    """Lists that were compiled from another (`requirements.in` to `requirements.txt`), and what of it they do not have.

    What they have too much is not seen. A requirement under a marker may rightly be missing."""
    known = {file["path"]: file for file in files}
    found = []
    for path, source in known.items():
        lock = known.get(re.sub(r"\.in$", ".txt", path)) if path.endswith(".in") else None
        pins = {entry["name"]: pinned(entry) for entry in lock["requirements"] if "name" in entry} if lock else {}
        if lock is None or not pins or not all(pins.values()):
            continue
        unmet = [item for item in (lacking(entry, pins) for entry in source["requirements"]) if item]
        found.append({"file": lock["path"], "from": path, "unmet": unmet})
    return found


def pinned(entry: dict) -> str | None:
    if entry.get("url"):
        return "*"
    match = re.search(r"===?\s*([^\s;,]+)\s*(?:;|$)", entry["text"])
    return None if match is None else match[1]


def lacking(entry: dict, pins: dict[str, str]) -> dict | None:
    if "name" not in entry or entry.get("url"):
        return None
    text, _, marker = entry["text"].partition(";")
    pin = pins.get(entry["name"])
    if pin is None:
        return None if marker else {"line": entry["line"], "message": f"it has no {entry['name']}"}
    try:
        specifier = SpecifierSet(re.sub(r"^[\w.-]+\s*(\[[^\]]*\])?", "", text.strip()).strip(" ()"))
    except InvalidSpecifier:
        return None
    if pin == "*" or specifier.contains(pin, prereleases=True):
        return None
    return {"line": entry["line"], "message": f"it has {entry['name']} {pin}, and not {text.strip()}"}
