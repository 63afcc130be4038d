"""Run the tools of a check over the project in the working directory.

    python run_tools.py --check lint|types --reports DIRECTORY --tools FILE

FILE is JSON: a list of {"name", "program", "args", "python", "command"}. Result and exit status are those of result.py: red
where one tool is red, errored where one could not look and none is red.

Standard library of Python 3.8 alone.
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from hooks import pre_commit  # noqa: E402
from linters import flake8, pylint, ruff  # noqa: E402
from process import Unable  # noqa: E402
from result import Result, last  # noqa: E402
from typecheckers import mypy, pyright, ty  # noqa: E402

TOOLS = {
    "ruff": ruff,
    "flake8": flake8,
    "pylint": pylint,
    "pre-commit": pre_commit,
    "mypy": mypy,
    "pyright": pyright,
    "basedpyright": pyright,
    "ty": ty,
}

NONE = {"lint": "the settings name no linter", "types": "no type checker is configured"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", required=True)
    parser.add_argument("--reports", required=True)
    parser.add_argument("--tools", required=True)
    options = parser.parse_args()
    with open(options.tools, encoding="utf-8") as file:
        tools = json.load(file)
    result = Result(options.check)
    red, unable = [], []
    for tool in tools:
        before = len(result.findings) + result.dropped
        try:
            if not TOOLS[tool["name"]](tool, result):
                red.append((tool, len(result.findings) + result.dropped - before))
        except Unable as error:
            print("%s: %s" % (tool["name"], error.summary), file=sys.stderr, flush=True)
            unable.append((tool, error))
    # Stable, so that notes stay behind what they explain.
    result.findings.sort(key=lambda item: (item.get("file", ""), item.get("line", 0)))
    judge(result, tools, red, unable)
    show(result.findings)
    return result.end(options.reports)


def judge(result, tools, red, unable):
    if not tools:
        result.outcome, result.summary = "skipped", NONE[result.check]
        return
    names = ", ".join(tool["name"] for tool in tools)
    commands = [tool["command"] for tool, _ in red or unable if tool.get("command")]
    result.reproduce = " && ".join(commands) or None
    said = [without_name(tool["name"], error.summary) for tool, error in unable]
    if red:
        counts = ["%s found %s" % (tool["name"], things(result, tool["name"])) for tool, _ in red]
        result.outcome, result.summary = "failed", "; ".join(counts + said)
        if unable:
            result.detail = "\n".join(last(error.detail, 400) for _, error in unable)
    elif unable:
        cause = "machine" if any(error.cause == "machine" for _, error in unable) else "project"
        result.errored("; ".join(said), "\n".join(last(error.detail, 900) for _, error in unable), cause)
    else:
        result.outcome, result.summary = "passed", "%s found %s" % (names, things(result, None))
        if any(tool.get("hard") for tool in tools):
            result.summary += " (no linter is configured: syntax and undefined names only)"


def without_name(name, summary):
    return summary if summary.startswith(name) else "%s: %s" % (name, summary)


def things(result, tool):
    """`2 errors, 1 warning`; notes belong to what they stand beside."""
    counts = []
    for severity in ("error", "warning"):
        count = sum(item["severity"] == severity and tool in (None, item.get("tool")) for item in result.findings)
        if count:
            counts.append("%d %s%s" % (count, severity, "" if count == 1 else "s"))
    if result.dropped:
        counts.append("%d more" % result.dropped)
    return ", ".join(counts) or "nothing wrong"


def show(findings):
    for item in findings:
        place = ":".join(str(item[key]) for key in ("file", "line", "column") if key in item)
        print(" ".join(part for part in (place, item.get("rule", ""), item["message"]) if part), flush=True)


if __name__ == "__main__":
    sys.exit(main())
