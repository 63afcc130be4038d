"""Linters: how each is started, and what its report says. Each gives whether it is content, and adds what it found."""

import json
import os
import tempfile

from process import relative, run


def ruff(tool, result):
    ran = run("ruff", [tool["program"], "check", "--output-format", "json", "--no-cache", "--no-fix", "--quiet", *tool["args"]])
    if ran.status not in (0, 1):
        raise ran.unable()
    for item in entries(ran):
        place = item.get("location") or {}
        result.find(
            item.get("message"),
            file=relative(item.get("filename")),
            line=place.get("row"),
            column=place.get("column"),
            rule=item.get("code") or item.get("name") or "syntax-error",
            severity=item.get("severity") or "error",
            tool="ruff",
        )
    return ran.status == 0


def flake8(tool, result):
    with tempfile.TemporaryDirectory() as directory:
        # The project may have configured another format or another place for it.
        report = os.path.join(directory, "flake8")
        form = "%(path)s\t%(row)d\t%(col)d\t%(code)s\t%(text)s"
        ran = run("flake8", [tool["program"], "--format", form, "--output-file", report, "--no-show-source", *tool["args"]])
        lines = []
        if os.path.exists(report):
            with open(report, encoding="utf-8", errors="replace") as file:
                lines = [line.rstrip("\n").split("\t", 4) for line in file]
    found = [line for line in lines if len(line) == 5 and line[1].isdigit() and line[2].isdigit()]
    for path, row, column, code, text in found:
        result.find(text, file=relative(path), line=int(row), column=int(column), rule=code, tool="flake8")
    # A plugin that fails ends it with 1 as well, in the middle of its work.
    if ran.status not in (0, 1) or (ran.status == 1 and (not found or "Traceback" in ran.stderr or "critical error" in ran.stderr)):
        raise ran.unable()
    return ran.status == 0


def pylint(tool, result):
    # Bits of its exit status: 1 fatal, 2 error, 4 warning, 8 refactor, 16 convention, 32 usage.
    ran = run("pylint", [tool["program"], "--output-format=json", "--reports=n", "--recursive=y", *tool["args"]])
    if ran.status >= 32 or ran.status & 1:
        raise ran.unable()
    for item in entries(ran):
        path, column = item.get("path"), item.get("column")
        result.find(
            item.get("message"),
            file=relative(path) if isinstance(path, str) and os.path.exists(path) else None,
            line=item.get("line"),
            column=column + 1 if isinstance(column, int) else None,
            rule=item.get("message-id"),
            # What it forgives with fail-under or fail-on is told and is not red.
            severity="warning" if ran.status == 0 else "error",
            tool="pylint",
        )
    return ran.status == 0


def entries(ran):
    """The list of objects that a tool printed as JSON."""
    try:
        document = json.loads(ran.stdout or "[]")
    except (ValueError, RecursionError):
        raise ran.unable("machine", "%s printed no report" % ran.name)
    if not isinstance(document, list):
        raise ran.unable("machine", "%s printed no report" % ran.name)
    return [item for item in document if isinstance(item, dict)]
