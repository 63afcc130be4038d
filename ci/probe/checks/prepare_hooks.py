"""Fetch what the hooks of the configuration in DIRECTORY need, so that it is there when they run.

    python prepare_hooks.py DIRECTORY PROGRAM [ARGUMENT…]

It always ends well: hooks that cannot be had are told of by the check, which tries again.
"""

import os
import shutil
import subprocess
import sys
import tempfile


def main():
    directory, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        for name in os.listdir(directory):
            shutil.copy(os.path.join(directory, name), place)
        for argv in (["git", "init", "--quiet", place], [command[0], "prepare-hooks", "--no-progress", *command[1:]]):
            subprocess.call(argv, cwd=place, stdin=subprocess.DEVNULL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
