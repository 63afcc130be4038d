"""The Python that was built into a base image, and that no package manager knows."""

from __future__ import annotations

import glob
import os
import re

from sbom.component import Component


def find(root: str) -> list[Component]:
    found = []
    for path in sorted(glob.glob(os.path.join(root, "usr/local/include/python3*/patchlevel.h"))):
        with open(path, encoding="utf-8", errors="replace") as file:
            version = re.search(r'^#define\s+PY_VERSION\s+"([0-9][0-9A-Za-z.+]*)"', file.read(), re.MULTILINE)
        if version is not None:
            found.append(_component(version[1], f"/{os.path.relpath(path, root)}"))
    return found


def _component(version: str, place: str) -> Component:
    return Component(
        kind="interpreter",
        key="python",
        name="python",
        version=version,
        purl=f"pkg:generic/python@{version.replace('+', '%2B')}",
        licence_expression="Python-2.0",
        homepage="https://www.python.org/",
        supplier="Python Software Foundation",
        place=place,
        cpe=f"cpe:2.3:a:python:python:{version.rstrip('+')}:*:*:*:*:*:*:*",
    )
