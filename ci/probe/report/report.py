"""Make the page of a report folder, and check its SARIF files.

    python report.py DIRECTORY CONTEXT OUTPUT

DIRECTORY is what checks and tests left: result.json, junit/*.xml, coverage.xml, *.sarif. CONTEXT is JSON that Pyline itself
made, with the plan. OUTPUT gets index.html and those SARIF files that are what they say.
"""

import json
import os
import sys
import traceback

# Tests are named as the program that runs them names them.
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import sarif
from model import Model
from page import poor, render


def main():
    directory, context, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    kept = [name for name in sorted(os.listdir(directory)) if name.endswith(".sarif") and keep(directory, name, out)]
    try:
        with open(context, encoding="utf-8") as file:
            model = Model(directory, json.load(file), kept)
        page = render(model)
    except Exception:
        # What tests wrote may be stranger than all that was thought of. The other reports are worth having all the same.
        traceback.print_exc()
        page = poor(directory, traceback.format_exc())
    with open(os.path.join(out, "index.html"), "w", encoding="utf-8", errors="replace") as file:
        file.write(page)


def keep(directory, name, out):
    document = sarif.checked(os.path.join(directory, name))
    if document is None:
        print("%s is left out: it is no SARIF 2.1.0" % name, file=sys.stderr)
        return False
    with open(os.path.join(out, name), "w", encoding="utf-8", errors="replace") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    return True


if __name__ == "__main__":
    main()
