"""What a project says of itself for people, and the commands that it brings."""

from __future__ import annotations

import re

from facts.reader import table

SCRIPT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def metadata_facts(document: dict) -> dict:
    metadata = table(document.get("project"))
    poetry = table(table(document.get("tool")).get("poetry"))
    licence = metadata.get("license", poetry.get("license"))
    facts = {
        "version": text(metadata.get("version")) or text(poetry.get("version")),
        "licence": text(licence) or text(table(licence).get("text")),
        "description": text(metadata.get("description")) or text(poetry.get("description")),
        "repository": repository(metadata, poetry),
    }
    scripts = {**table(poetry.get("scripts")), **table(metadata.get("scripts"))}
    facts["scripts"] = {
        name: target
        for name, target in sorted(scripts.items())
        if isinstance(target, str) and SCRIPT.fullmatch(target.split("[")[0].strip()) and re.fullmatch(r"[\w.-]+", name)
    }
    return {key: value for key, value in facts.items() if value is not None}


def text(value: object) -> str | None:
    """One line of it: a label is no place for the text of a licence."""
    return value if isinstance(value, str) and 0 < len(value) <= 200 and "\n" not in value else None


def repository(metadata: dict, poetry: dict) -> str | None:
    urls = {**table(metadata.get("urls")), **table(poetry.get("urls"))}
    urls = {re.sub(r"[^a-z]", "", key.lower()): value for key, value in urls.items()}
    for key in ("repository", "source", "sourcecode", "github", "gitlab", "code"):
        if key in urls:
            return text(urls[key])
    return text(poetry.get("repository"))
