"""Type checkers: how each is started, and what its report says."""

import json
import os
import re
import tempfile

from linters import entries
from process import relative, run

MYPY_LINE = re.compile(r"^(?P<file>[^:\n]+?)(?::(?P<line>\d+))?(?::(?P<column>\d+))?: (?P<severity>error|warning|note): (?P<message>.*?)(?:  \[(?P<code>[\w-]+)\])?$")


def mypy(tool, result):
    with tempfile.TemporaryDirectory() as cache:
        version = run("mypy", [tool["program"], "--version"])
        number = re.search(r"(\d+)\.(\d+)", version.stdout)
        if version.status != 0 or number is None:
            raise version.unable()
        # JSON since 1.11; before, its lines for people, in their plainest form.
        as_json = (int(number[1]), int(number[2])) >= (1, 11)
        plain = ["--no-pretty", "--show-column-numbers", "--show-error-codes", "--hide-error-context", "--no-error-summary"]
        form = ["--output", "json"] if as_json else plain
        ran = run("mypy", [tool["program"], *form, "--no-color-output", "--cache-dir", cache, *tool["args"]])
    errors = []
    for line in ran.stdout.splitlines():
        item = mypy_json(line) if as_json else mypy_line(line)
        if item is None:
            continue
        result.find(item.pop("message"), tool="mypy", **item)
        if item["severity"] == "error":
            errors.append(item)
    # 2 is for syntax errors, which are the project's code, and for all that keeps it from looking.
    syntax = ran.status == 2 and errors and all(item["rule"] == "syntax" for item in errors)
    if ran.status == 0 and not errors:
        return True
    if (ran.status == 1 and errors) or syntax:
        return False
    result.findings = [finding for finding in result.findings if finding.get("tool") != "mypy"]
    raise ran.unable()


def mypy_json(line):
    try:
        item = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(item, dict) or "message" not in item:
        return None
    column = item.get("column")
    # From 0, but for syntax errors, which are the parser's.
    shift = 0 if item.get("code") == "syntax" else 1
    return {
        "message": item["message"],
        "file": relative(item.get("file")),
        "line": item.get("line"),
        "column": column + shift if isinstance(column, int) and column >= 0 else None,
        "rule": item.get("code"),
        "severity": item.get("severity"),
    }


def mypy_line(line):
    match = MYPY_LINE.match(line)
    if match is None:
        return None
    return {
        "message": match["message"],
        "file": relative(match["file"]),
        "line": int(match["line"]) if match["line"] else None,
        "column": int(match["column"]) if match["column"] else None,
        "rule": match["code"],
        "severity": match["severity"],
    }


def pyright(tool, result):
    name = tool["name"]
    # Exit status: 1 errors, 2 fatal, 3 a configuration that it cannot read, 4 usage.
    ran = run(name, [tool["program"], "--outputjson", "--pythonpath", tool["python"], *tool["args"]])
    if ran.status not in (0, 1):
        raise ran.unable()
    try:
        report = json.loads(ran.stdout[ran.stdout.index("{") :])
        looked, found = report["summary"]["filesAnalyzed"], report["generalDiagnostics"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ran.unable("machine", "%s printed no report" % name)
    if not looked:
        raise ran.unable(what="%s looked at no file" % name)
    for item in found:
        start = (item.get("range") or {}).get("start") or {}
        line, column = start.get("line"), start.get("character")
        result.find(
            item.get("message"),
            file=relative(item.get("file")),
            line=line + 1 if isinstance(line, int) else None,
            column=column + 1 if isinstance(column, int) else None,
            rule=item.get("rule"),
            severity={"information": "note"}.get(item.get("severity"), item.get("severity")),
            tool=name,
        )
    return ran.status == 0


def ty(tool, result):
    environment = os.path.dirname(os.path.dirname(tool["python"]))
    ran = run("ty", [tool["program"], "check", "--output-format", "gitlab", "--no-progress", "--python", environment, *tool["args"]])
    if ran.status not in (0, 1):
        raise ran.unable()
    for item in entries(ran):
        place = item.get("location") or {}
        begin = (place.get("positions") or {}).get("begin") or {}
        rule = str(item.get("check_name") or "")
        message = str(item.get("description") or "")
        result.find(
            message[len(rule) + 2 :] if rule and message.startswith(rule + ": ") else message,
            file=relative(place.get("path")),
            line=begin.get("line"),
            column=begin.get("column"),
            rule=rule,
            severity={"minor": "warning", "info": "note"}.get(item.get("severity"), "error"),
            tool="ty",
        )
    return ran.status == 0
