"""Make the Python files whose names a build backend needs, empty, and become the command that builds.

    python build.py COMMAND…

names.json beside this file is a list of paths below the working directory. A file that is there is left as it is.
"""

import json
import os
import sys


def main() -> None:
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "names.json"), encoding="utf-8") as file:
        names = json.load(file)
    for name in names:
        if not os.path.lexists(name):
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, "w", encoding="utf-8"):
                pass
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
