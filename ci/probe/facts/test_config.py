"""Files that configure a test runner."""

from __future__ import annotations

from facts.reader import Project, table


def test_config(project: Project, document: dict) -> list[dict]:
    facts = []

    def found(file: str, section: str) -> None:
        facts.append({"file": file, "section": section, "runner": "pytest"})

    for file in ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"):
        if project.exists(file):
            found(file, "")
    if "pytest" in table(document.get("tool")):
        found("pyproject.toml", "tool.pytest")
    for file, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if project.exists(file):
            parser = project.ini(file)
            if parser is not None and parser.has_section(section):
                found(file, section)
    return facts
