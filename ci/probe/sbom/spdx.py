"""SPDX 2.3 as JSON."""

from __future__ import annotations

import re
import uuid

from sbom.component import Component

_NONE = "NOASSERTION"


def document(subject: dict, components: list[Component], edges: dict[str, list[str]]) -> dict:
    """`subject`: as for CycloneDX."""
    ids = {each.id: f"SPDXRef-{number}-{_plain(each.id)}" for number, each in enumerate(components, 1)}
    root = "SPDXRef-Image"
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", root)]
    relations += [(root, "CONTAINS", ids[each.id]) for each in components]
    relations += [(ids[one], "DEPENDS_ON", ids[other]) for one, others in sorted(edges.items()) for other in others]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": subject["name"],
        "documentNamespace": f"urn:uuid:{uuid.uuid5(subject['number'], 'spdx')}",
        "creationInfo": {"created": subject["created"], "creators": [f"Tool: pyline-{subject['tool']}"]},
        "packages": [_image(root, subject), *(_package(ids[each.id], each) for each in components)],
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relations
        ],
    }


def _image(identifier: str, subject: dict) -> dict:
    return {
        "SPDXID": identifier,
        "name": subject["name"],
        **({"versionInfo": subject["version"]} if subject["version"] else {}),
        "downloadLocation": _NONE,
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
        "comment": subject["platform"],
    }


def _package(identifier: str, component: Component) -> dict:
    references = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": component.purl}]
    if component.cpe:
        references.append(
            {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": component.cpe}
        )
    licence = _expression(component.licence_expression)
    entry = {
        "SPDXID": identifier,
        "name": component.name,
        "versionInfo": component.version,
        "downloadLocation": component.files[0]["url"] if len(component.files) == 1 else _NONE,
        "filesAnalyzed": False,
        "licenseConcluded": _NONE,
        "licenseDeclared": licence,
        "copyrightText": _NONE,
        "primaryPackagePurpose": "APPLICATION" if component.kind == "interpreter" else "LIBRARY",
        "externalRefs": references,
    }
    if licence == _NONE and (component.licence_names or component.licence_expression):
        entry["licenseComments"] = "; ".join(component.licence_names) or component.licence_expression
    if component.supplier:
        entry["supplier"] = _supplier(component.supplier)
    if component.description:
        entry["summary"] = component.description
    if component.homepage:
        entry["homepage"] = component.homepage
    if len(component.files) == 1:
        entry["checksums"] = [{"algorithm": "SHA256", "checksumValue": component.files[0]["sha256"]}]
    return entry


def _expression(text: str | None) -> str:
    """An expression of identifiers alone; a reference to a licence of its own would need its text here."""
    words = re.findall(r"[A-Za-z0-9.+-]+", text or "")
    return text if text and words and not any(word.startswith("LicenseRef") for word in words) else _NONE


def _supplier(text: str) -> str:
    found = re.fullmatch(r"(.*?)\s*<([^<>]*)>", text)
    name = (found[1] if found else text).replace("(", "").replace(")", "").strip()
    kind = "Organization" if re.search(r"(?i)team|maintainers|foundation|project|group|developers", name) else "Person"
    email = f" ({found[2]})" if found and found[2] else ""
    return f"{kind}: {name}{email}" if name else _NONE


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text)
