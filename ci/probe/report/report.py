"""Make index.html of a directory of reports.

    python report.py DIRECTORY CONTEXT OUTPUT

DIRECTORY is what checks and tests left: result.json, junit/*.xml, coverage.xml, check-*.json. CONTEXT is JSON that Pyline
itself made: the plan and the version. OUTPUT is the page.
"""

import json
import os
import sys
import traceback

# Tests are named as the program that runs them names them.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from model import Model
from page import poor, render


def main():
    directory, context, out = sys.argv[1:]
    try:
        with open(context, encoding="utf-8") as file:
            model = Model(directory, json.load(file))
        page = render(model)
    except Exception:
        # What tests wrote may be stranger than all that was thought of. The other reports are worth having all the same.
        traceback.print_exc()
        page = poor(directory, traceback.format_exc())
    with open(out, "w", encoding="utf-8", errors="replace") as file:
        file.write(page)


if __name__ == "__main__":
    main()
