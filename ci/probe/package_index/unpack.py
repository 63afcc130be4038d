"""`python -m package_index.unpack DIRECTORY TARGET`: unpacks the archives of a directory, each below its own name."""

import os
import sys
import tarfile
import zipfile


def main(directory, target):
    for name in sorted(os.listdir(directory)):
        path, below = os.path.join(directory, name), os.path.join(target, name)
        os.makedirs(below)
        if name.endswith((".whl", ".zip")):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(below)
        else:
            with tarfile.open(path) as archive:
                archive.extractall(below, filter="data")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
