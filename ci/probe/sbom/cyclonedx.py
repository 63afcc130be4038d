"""CycloneDX 1.6 as JSON."""

from __future__ import annotations

from sbom.component import Component


def document(subject: dict, components: list[Component], edges: dict[str, list[str]]) -> dict:
    """
    `subject`: name, version, platform, created, number, and tool, the version of what writes this. No digest of an image is in
    it: images with the same parts have the same bill, which is attached to each of them.
    """
    root = "image"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{subject['number']}",
        "version": 1,
        "metadata": {
            "timestamp": subject["created"],
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": [{"type": "application", "name": "pyline", "version": subject["tool"]}]},
            "component": {
                "bom-ref": root,
                "type": "container",
                "name": subject["name"],
                **({"version": subject["version"]} if subject["version"] else {}),
                "properties": [{"name": "pyline:platform", "value": subject["platform"]}],
            },
        },
        "components": [_component(each) for each in components],
        "dependencies": [
            {"ref": root, "dependsOn": [each.id for each in components]},
            *({"ref": each.id, "dependsOn": edges.get(each.id, [])} for each in components),
        ],
    }


def _component(component: Component) -> dict:
    entry: dict = {
        "bom-ref": component.id,
        "type": "application" if component.kind == "interpreter" else "library",
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
    }
    if component.description:
        entry["description"] = component.description
    if component.cpe:
        entry["cpe"] = component.cpe
    if component.supplier:
        entry["supplier" if component.kind == "debian" else "publisher"] = (
            {"name": component.supplier} if component.kind == "debian" else component.supplier
        )
    if component.licence_expression:
        entry["licenses"] = [{"expression": component.licence_expression}]
    elif component.licence_names:
        entry["licenses"] = [{"license": {"name": name}} for name in component.licence_names]
    references: list[dict] = []
    if component.homepage:
        references.append({"type": "website", "url": component.homepage})
    for file in component.files:
        hashes = [{"alg": "SHA-256", "content": file["sha256"]}]
        references.append({"type": "distribution", "url": file["url"], "hashes": hashes})
    if references:
        entry["externalReferences"] = references
    if component.place:
        entry["evidence"] = {"occurrences": [{"location": component.place}]}
    return entry
