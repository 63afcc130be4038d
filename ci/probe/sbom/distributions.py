"""Python distributions, as PEP 376 and the core metadata specification describe them."""

from __future__ import annotations

import os
import re
from email.parser import HeaderParser
from email.policy import compat32

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.markers import Marker, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from sbom.component import Component

_LARGEST = 4 << 20
# Trees of the kernel, and those too large and sure to have none.
_SKIPPED = {"proc", "sys", "dev"}


def find(root: str) -> list[Component]:
    """Every distribution below a root file system, the one found first for a name and version."""
    found: dict[tuple[str, str], Component] = {}
    for directory, directories, names in os.walk(root):
        directories.sort()
        if directory == root:
            directories[:] = [name for name in directories if name not in _SKIPPED]
        info = os.path.basename(directory)
        if info.endswith(".dist-info") and "METADATA" in names:
            file = "METADATA"
        elif info.endswith(".egg-info") and "PKG-INFO" in names:
            file = "PKG-INFO"
        else:
            continue
        component = _component(os.path.join(directory, file), os.path.relpath(directory, root))
        if component is not None:
            found.setdefault((component.key, component.version), component)
    return [found[key] for key in sorted(found)]


def normalise(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _component(path: str, place: str) -> Component | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            headers = HeaderParser(policy=compat32).parsestr(file.read(_LARGEST))
    except OSError:
        return None
    name, version = _line(headers["Name"]), _line(headers["Version"])
    if not name or not version:
        return None
    key = normalise(name)
    return Component(
        kind="python",
        key=key,
        name=name,
        version=version,
        purl=f"pkg:pypi/{key}@{_quoted(version)}",
        description=_line(headers["Summary"]),
        homepage=_homepage(headers),
        licence_expression=_expression(headers),
        licence_names=_licences(headers),
        supplier=_line(headers["Author"]) or _line(headers["Author-email"]),
        place=f"/{place}",
        needs=_needs(headers.get_all("Requires-Dist") or [], place),
    )


def _line(value: object) -> str | None:
    """A header in one line; whole files were once put into some of them."""
    text = " ".join(str(value).split()) if value is not None else ""
    return text[:500] if text and text != "UNKNOWN" else None


def _quoted(version: str) -> str:
    return version.replace("+", "%2B").replace("!", "%21")


def _homepage(headers: object) -> str | None:
    listed = [str(each).partition(",") for each in headers.get_all("Project-URL") or []]
    named = {label.strip().lower(): url.strip() for label, _, url in listed}
    for url in (_line(headers["Home-page"]), *(named.get(key) for key in ("homepage", "source", "repository"))):
        if url and re.fullmatch(r"https?://[^\s<>\"{}|\\^`]+", url):
            return url
    return None


def _expression(headers: object) -> str | None:
    """PEP 639, where it is one."""
    text = _line(headers["License-Expression"])
    if text is None:
        return None
    try:
        return str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return None


def _licences(headers: object) -> list[str]:
    prefix = "License :: "
    trove = [str(each) for each in headers.get_all("Classifier") or [] if str(each).startswith(prefix)]
    names = [each.rpartition(" :: ")[2] for each in trove if each != "License :: OSI Approved"]
    text = _line(headers["License"]) or _line(headers["License-Expression"])
    return sorted(set(names)) or ([text[:100]] if text else [])


def _needs(lines: list[str], place: str) -> list[str]:
    """Names of what it depends on. What only an extra needs counts: it is an edge where it is installed."""
    found = re.search(r"python(\d+\.\d+)", place)
    version = {"python_version": found[1], "python_full_version": f"{found[1]}.0"} if found else {}
    names = set()
    for line in lines:
        try:
            requirement = Requirement(str(line))
        except InvalidRequirement:
            continue
        if requirement.marker is None or _holds(requirement.marker, version):
            names.add(normalise(requirement.name))
    return sorted(names)


def _holds(marker: Marker, version: dict[str, str]) -> bool:
    if "extra" in str(marker):
        return True
    try:
        return marker.evaluate(version)
    except UndefinedEnvironmentName:
        return True
