"""The part of a pyproject.toml that decides what is installed."""

from __future__ import annotations

from facts.reader import strings, table
from facts.toml_text import toml_text

NEUTRAL_VERSION = "0.0.0"


def neutral_pyproject(document: dict, *, locked: bool) -> str:
    """The part of a pyproject.toml that decides what is installed, in one fixed spelling."""
    metadata = table(document.get("project"))
    kept = {
        key: metadata[key]
        for key in ("name", "requires-python", "dependencies", "optional-dependencies")
        if key in metadata
    }
    dynamic = [name for name in ("dependencies", "optional-dependencies") if name in strings(metadata.get("dynamic"))]
    if locked or "version" in metadata:
        kept["version"] = NEUTRAL_VERSION
    else:
        dynamic.append("version")
    if dynamic:
        kept["dynamic"] = dynamic
    out: dict = {"project": kept} if metadata else {}
    for key in ("build-system", "dependency-groups"):
        if isinstance(document.get(key), dict):
            out[key] = document[key]
    uv = table(document.get("tool")).get("uv")
    if isinstance(uv, dict):
        out["tool"] = {"uv": uv}
    return toml_text(out)
