"""Environment markers (PEP 508), taken apart as far as locks need it."""

from __future__ import annotations

import re

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet


def without_extra(marker: str, extra: str) -> str | None:
    """What is left of a marker when one extra, or none (""), is asked for: "" for always, None for never."""
    if not marker:
        return ""
    try:
        reduced = _reduce(Marker(marker)._markers, extra)
    except InvalidMarker:
        return marker
    if isinstance(reduced, bool):
        return "" if reduced else None
    return reduced


def _reduce(markers: list, extra: str) -> bool | str:
    alternatives: list[bool | str] = []
    parts: list[bool | str] = []
    for item in [*markers, "or"]:
        if item == "and":
            continue
        if item == "or":
            kept = [part for part in parts if part is not True]
            alternatives.append(False if False in kept else (" and ".join(map(str, kept)) or True))
            parts = []
        elif isinstance(item, list):
            inner = _reduce(item, extra)
            parts.append(f"({inner})" if isinstance(inner, str) and " or " in inner else inner)
        else:
            left, operator, right = item
            if "extra" in (str(left), str(right)):
                value = str(right) if str(left) == "extra" else str(left)
                same = re.sub(r"[-_.]+", "-", value).lower() == extra
                parts.append(same if operator.serialize() == "==" else not same)
            else:
                parts.append(" ".join(side.serialize() for side in item))
    if True in alternatives:
        return True
    kept = [str(part) for part in alternatives if part is not False]
    return " or ".join(kept) if kept else False


def extras_of(marker: str) -> set[str]:
    return {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"extra\s*==\s*[\"']([^\"']+)[\"']", marker)}


def poetry_specifiers(constraint: str) -> list[str] | None:
    """A constraint as Poetry writes it (`^3.9`, `~3.11`, `>=3.9,<4.0`, `3.11.*`, with `||`), as PEP 440 alternatives."""
    found = []
    for alternative in re.split(r"\s*\|\|?\s*", constraint.strip()):
        specifiers = []
        for part in re.split(r"\s*,\s*|(?<=[\w*])\s+(?=[\^~<>=!])", alternative.strip()):
            if part in ("", "*"):
                continue
            match = re.fullmatch(r"(\^|~(?!=))\s*v?(\d+(?:\.\d+)*)(.*)", part)
            if match is not None:
                numbers = [int(number) for number in match[2].split(".")]
                if match[1] == "~":
                    keep = min(2, len(numbers))
                else:
                    keep = next((n for n, number in enumerate(numbers, 1) if number), len(numbers))
                upper = numbers[:keep]
                upper[-1] += 1
                specifiers.append(f">={match[2]}{match[3]},<{'.'.join(map(str, upper))}")
            elif re.match(r"\d", part):
                specifiers.append(f"=={part}")
            else:
                specifiers.append(re.sub(r"^=(?!=)", "==", part))
        text = ",".join(specifiers)
        try:
            SpecifierSet(text)
        except InvalidSpecifier:
            return None
        found.append(text)
    return found


def python_marker(constraint: str) -> str:
    """A Poetry constraint on the Python version as a marker; "" where there is none or it cannot be said."""
    alternatives = []
    for specifiers in poetry_specifiers(constraint) or []:
        parts = []
        for specifier in SpecifierSet(specifiers):
            variable = "python_full_version" if specifier.version.count(".") > 1 and "*" not in specifier.version else "python_version"
            parts.append(f'{variable} {specifier.operator} "{specifier.version}"')
        alternatives.append(" and ".join(sorted(parts)))
    return "" if "" in alternatives else " or ".join(alternatives)
