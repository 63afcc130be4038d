"""
`python -m sbom ROOT SUBJECT OUTPUT`: the bills of materials of a root file system.

SUBJECT is a JSON file: name, version (may be null), platform, created, tool, and `dependencies`, the dependencies of the plan.
Writes `sbom.cdx.json` and `sbom.spdx.json` into the directory OUTPUT. The same parts give the same bytes, but for the time.
"""

import dataclasses
import json
import os
import sys
import uuid

from sbom import cyclonedx, debian, distributions, interpreter, spdx
from sbom.lock import add_files


def main(root, subject_file, output):
    with open(subject_file, encoding="utf-8") as file:
        subject = json.load(file)
    components = [*interpreter.find(root), *distributions.find(root), *debian.find(root)]
    add_files(components, subject.get("dependencies") or {})
    edges = edges_of(components)
    subject["number"] = number_of(subject, components)
    os.makedirs(output, exist_ok=True)
    for name, writer in (("sbom.cdx.json", cyclonedx), ("sbom.spdx.json", spdx)):
        with open(os.path.join(output, name), "w", encoding="utf-8") as file:
            json.dump(writer.document(subject, components, edges), file, separators=(",", ":"))
            file.write("\n")
    counts = {kind: sum(each.kind == kind for each in components) for kind in ("python", "debian")}
    print(f"{counts['python']} Python distributions, {counts['debian']} system packages")
    return 0


def number_of(subject, components):
    """A number that bills with the same parts have, and no others."""
    parts = [dataclasses.asdict(each) for each in components]
    text = json.dumps([subject["name"], subject["version"], subject["platform"], subject["tool"], parts], sort_keys=True)
    return uuid.uuid5(uuid.NAMESPACE_URL, text)


def edges_of(components):
    """What of an image depends on what of it, by id."""
    ids = {}
    for each in components:
        ids.setdefault((each.kind, each.key), each.id)
    found = {}
    for each in components:
        named = (ids.get((each.kind, key)) for key in each.needs)
        found[each.id] = [name for name in named if name is not None and name != each.id]
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
