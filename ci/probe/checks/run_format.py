"""Format the project in the working directory and say what was changed.

    python run_format.py --reports DIRECTORY --tools FILE --before DIRECTORY

FILE is JSON: a list of {"name", "program", "args", "command"}, run in this order. The working directory is the formatted tree
afterwards; DIRECTORY --before is the tree as it was. Result and exit status are those of result.py: red where a file changed,
errored where a file could not be formatted.

Standard library of Python 3.8 alone.
"""

import argparse
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from process import Unable, run  # noqa: E402
from result import Result  # noqa: E402

TOOLS = {
    "isort": ["--quiet"],
    "black": ["--quiet"],
    "ruff": ["format", "--no-cache"],
}
FILE_BYTES = 5_000_000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--before", required=True)
    options = parser.parse_args()
    with open(options.tools, encoding="utf-8") as file:
        tools = json.load(file)
    result = Result("format")
    if not tools:
        result.outcome, result.summary = "skipped", "no formatter is configured"
        return result.end(options.reports)
    changed = {}
    try:
        for tool in tools:
            for path in changed_by(tool):
                changed.setdefault(path, []).append(tool["name"])
    except Unable as error:
        result.errored(error.summary, error.detail, error.cause)
        return result.end(options.reports)
    names = ", ".join(tool["name"] for tool in tools)
    for path in sorted(changed):
        line = first_difference(os.path.join(options.before, path), path)
        if line is not None:
            message = "would be changed by %s" % " and ".join(changed[path])
            result.find(message, file=path, line=line, tool=changed[path][-1])
    count = len(result.findings) + result.dropped
    result.reproduce = " && ".join(tool["command"] for tool in tools)
    result.outcome = "failed" if count else "passed"
    result.summary = (
        "%s would change %d file%s" % (names, count, "" if count == 1 else "s") if count else "%s would change nothing" % names
    )
    return result.end(options.reports)


def changed_by(tool):
    """Runs a formatter; the files that it wrote. By their time: comparing all of them would read the project once more."""
    with tempfile.NamedTemporaryFile() as marker:
        since = os.stat(marker.name).st_mtime_ns
    ran = run(tool["name"], [tool["program"], *TOOLS[tool["name"]], *tool["args"]])
    if ran.status != 0 or re.search(r"^(?:ERROR|error)\b", ran.stderr, re.MULTILINE):
        raise ran.unable(what="%s could not format all files" % tool["name"])
    for directory, folders, files in os.walk("."):
        folders[:] = [name for name in folders if name != ".git"]
        for name in files:
            path = os.path.normpath(os.path.join(directory, name))
            if os.lstat(path).st_mtime_ns >= since:
                yield path


def first_difference(before, after):
    """The first line that differs; None where none does."""
    old, new = lines_of(before), lines_of(after)
    for number, (one, other) in enumerate(zip(old, new), 1):
        if one != other:
            return number
    return None if len(old) == len(new) else min(len(old), len(new)) + 1


def lines_of(path):
    try:
        with open(path, "rb") as file:
            return file.read(FILE_BYTES).split(b"\n")
    except OSError:
        return []


if __name__ == "__main__":
    sys.exit(main())
