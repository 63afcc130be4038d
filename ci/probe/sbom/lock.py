"""What the lock says of the files that were installed: where they come from, and their hashes."""

from __future__ import annotations

import re
import tomllib

from sbom.component import Component
from sbom.distributions import normalise

Files = dict[tuple[str, str], list[dict[str, str]]]


def add_files(components: list[Component], dependencies: dict) -> None:
    """Adds to Python distributions the files that the lock has of their version."""
    known = _files(dependencies)
    for component in components:
        if component.kind == "python":
            component.files = known.get((component.key, component.version), [])


def _files(dependencies: dict) -> Files:
    try:
        if dependencies.get("kind") == "uv":
            return _packages(dependencies["documents"].get("uv.lock", ""), "package")
        if dependencies.get("kind") == "pylock":
            return _packages(dependencies["document"], "packages")
    except (tomllib.TOMLDecodeError, TypeError, AttributeError):
        pass
    return {}


def _packages(text: str, key: str) -> Files:
    found: Files = {}
    for package in tomllib.loads(text).get(key, []):
        name, version = package.get("name"), package.get("version")
        if not name or not version:
            continue
        archives = [*package.get("wheels", []), *([package["sdist"]] if isinstance(package.get("sdist"), dict) else [])]
        files = [{"url": each.get("url", ""), "sha256": _sha256(each)} for each in archives]
        good = [each for each in files if each["sha256"] and re.match(r"https?://\S+$", each["url"])]
        found[normalise(name), version] = sorted(good, key=lambda each: each["url"])
    return found


def _sha256(archive: dict) -> str:
    # uv.lock: hash = "sha256:…"; pylock.toml: hashes = { sha256 = "…" }
    value = (archive.get("hashes") or {}).get("sha256") or str(archive.get("hash", "")).removeprefix("sha256:")
    return value if re.fullmatch(r"[0-9a-f]{64}", value) else ""
