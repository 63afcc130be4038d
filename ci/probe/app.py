"""Read what of a project could be started, as one JSON document.

    python app.py DIRECTORY OUTPUT

The files are parsed, never imported, within bounds of size, number and time. ci/src/project/start.ts describes the document.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys

from facts.app import app_facts
from facts.reader import Project

SECONDS = 20
# Where programs for development and for show are kept.
ELSEWHERE = re.compile(
    r"(^|/)(tests?|testing|docs?|docs_src|examples?|samples?|demos?|benchmarks?|node_modules|venv|site-packages|migrations|\.[^/]*)(/|$)"
)
TEST = re.compile(r"(^|/)(test_[^/]*|[^/]*_test|tests|conftest|setup|noxfile|tasks|fabfile|conf)\.py$")


class TimeIsUp(BaseException):
    """Raised by the alarm. Not an Exception, so that no handler on the way takes it for a parser's error."""


def modules(root: str) -> list[str]:
    found = []
    for directory, directories, names in os.walk(root):
        here = os.path.relpath(directory, root)
        directories[:] = sorted(name for name in directories if not ELSEWHERE.search(name))
        for name in sorted(names):
            path = name if here == "." else f"{here}/{name}"
            if name.endswith(".py") and not TEST.search(path):
                found.append(path)
    # What is nearer to the root first: a bound on their number must not hide it.
    return sorted(found, key=lambda path: (path.count("/"), path))


def time_is_up(_signal: int, _frame: object) -> None:
    raise TimeIsUp


def main() -> int:
    root, output = sys.argv[1:]
    facts: dict = {"schema": 1, "apps": [], "pages": [], "mains": []}
    signal.signal(signal.SIGALRM, time_is_up)
    signal.alarm(SECONDS)
    try:
        facts = app_facts(Project(root), modules(root))
    except TimeIsUp:
        print(f"the modules could not be read within {SECONDS} seconds")
    finally:
        signal.alarm(0)
    with open(output, "w", encoding="ascii") as file:
        json.dump(facts, file)
    for app in facts["apps"]:
        print(f"{app['file']}:{app['line']}: {app['framework']} {app['name']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
