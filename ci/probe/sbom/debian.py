"""Packages of the system, as dpkg knows them."""

from __future__ import annotations

import glob
import os
import re
from urllib.parse import quote

from sbom.component import Component


def release(root: str) -> dict[str, str]:
    """os-release: what the system calls itself."""
    for path in ("etc/os-release", "usr/lib/os-release"):
        try:
            with open(os.path.join(root, path), encoding="utf-8") as file:
                pairs = (line.rstrip("\n").partition("=") for line in file if "=" in line)
                return {key: value.strip("\"'") for key, _, value in pairs}
        except OSError:
            continue
    return {}


def find(root: str) -> list[Component]:
    """Installed packages. Images without dpkg itself keep a file a package in status.d."""
    system = release(root)
    distribution = system.get("ID", "debian")
    found = {}
    paths = [os.path.join(root, "var/lib/dpkg/status"), *sorted(glob.glob(os.path.join(root, "var/lib/dpkg/status.d/*")))]
    for path in paths:
        for stanza in _stanzas(path):
            name, version = stanza.get("Package"), stanza.get("Version")
            if not name or not version or "installed" not in stanza.get("Status", "installed").split():
                continue
            found[name] = _component(stanza, name, version, distribution, system.get("VERSION_ID"))
    return [found[name] for name in sorted(found)]


def _stanzas(path: str):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return
    for block in re.split(r"\n\n+", text):
        fields = re.findall(r"^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$", block, re.MULTILINE)
        if fields:
            yield dict(fields)


def _component(stanza: dict[str, str], name: str, version: str, distribution: str, number: str | None) -> Component:
    query = [f"arch={stanza['Architecture']}"] if stanza.get("Architecture") else []
    if number:
        query.append(f"distro={distribution}-{number}")
    suffix = f"?{'&'.join(query)}" if query else ""
    listed = ",".join(stanza.get(field, "") for field in ("Depends", "Pre-Depends"))
    needs = re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", listed)
    homepage = stanza.get("Homepage", "")
    return Component(
        kind="debian",
        key=name,
        name=name,
        version=version,
        purl=f"pkg:deb/{distribution}/{quote(name, safe='')}@{quote(version, safe=':~')}{suffix}",
        description=stanza.get("Description"),
        homepage=homepage if re.fullmatch(r"https?://[^\s<>\"{}|\\^`]+", homepage) else None,
        supplier=stanza.get("Maintainer"),
        place="/var/lib/dpkg/status",
        needs=sorted(set(needs)),
    )
