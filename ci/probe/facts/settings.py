"""Pyline's own settings."""

from __future__ import annotations

import datetime
import difflib
import re

from facts.delivery import environments_facts
from facts.reader import Problem, Project, key_line, strings, table
from facts.services import services_facts


SETTINGS = {
    "package-manager": str, "python": str, "groups": list, "extras": list, "runner": str, "sessions": list, "apt": list,
    "lint": list, "format": list, "types": list,
    "package": str, "version": str, "extra-index": str, "build-ignore": list,
    "audit-ignore": list, "audit-service": str,
    "coverage": bool, "workers": int, "services": dict,
    "start": (str, list), "release": (str, list), "port": int, "health": str, "image-files": list,
    "collectstatic": bool, "environments": dict,
}  # fmt: skip
KINDS = {
    str: "a string", list: "a list of strings", (str, list): "a string or a list of strings", int: "a number",
    bool: "true or false", dict: "a table",
}


def pyline_settings(project: Project, document: dict) -> dict | None:
    """Our own settings: [tool.pyline] of pyproject.toml, or the top level of pyline.toml."""
    settings = table(document.get("tool")).get("pyline")
    file = "pyproject.toml"
    if project.exists("pyline.toml"):
        own = project.toml("pyline.toml")
        if own is not None and settings is not None:
            project.report(Problem("pyline.toml", "pyproject.toml has [tool.pyline] too: keep one of them"))
        settings, file = own, "pyline.toml"
    if settings is None:
        return None
    if not isinstance(settings, dict):
        project.report(Problem(file, "tool.pyline must be a table", key_line(project, file, "pyline")))
        return None
    facts: dict = {"file": file}
    for key, value in settings.items():
        line = key_line(project, file, key)
        if key not in SETTINGS:
            close = difflib.get_close_matches(key, SETTINGS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(SETTINGS))}"
            project.report(Problem(file, f"Pyline has no setting {key!r}; {hint}", line))
        elif key == "audit-ignore":
            facts["auditIgnore"] = audit_ignore(project, file, value, line)
        elif (
            not isinstance(value, SETTINGS[key])
            or (isinstance(value, bool) and SETTINGS[key] is not bool)
            or (isinstance(value, list) and strings(value) != value)
        ):
            project.report(Problem(file, f"{key} must be {KINDS[SETTINGS[key]]}", line))
        elif key == "services":
            facts["services"] = services_facts(project, file, value)
        elif key == "environments":
            facts["environments"] = environments_facts(project, file, value)
        elif key == "port" and not 0 < value < 65536:
            project.report(Problem(file, "port must be between 1 and 65535", line))
        elif key == "audit-service" and not re.match(r"https?://[^/\s]+", value):
            project.report(Problem(file, "audit-service must be the address of a service", line))
        elif key == "workers" and not 0 <= value <= 256:
            project.report(Problem(file, "workers must be between 0 and 256", line))
        elif key == "apt" and not all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name) for name in value):
            project.report(Problem(file, "apt must be a list of names of Debian packages", line))
        else:
            facts[re.sub("-([a-z])", lambda match: match[1].upper(), key)] = value
    return facts


def audit_ignore(project: Project, file: str, value: object, line: int | None) -> list[dict]:
    """Identifiers of vulnerabilities, alone or with a reason and a last day."""
    form = 'audit-ignore must be a list of identifiers, or of { id = "…", reason = "…", until = 2026-12-31 }'
    entries = []
    for item in value if isinstance(value, list) else [None]:
        entry = {"id": item} if isinstance(item, str) else dict(item) if isinstance(item, dict) else {}
        if isinstance(entry.get("until"), datetime.date):
            entry["until"] = entry["until"].isoformat()[:10]
        known = {key: text for key, text in entry.items() if key in ("id", "reason", "until") and isinstance(text, str)}
        if known != entry or not re.fullmatch(r"[A-Za-z0-9][\w.-]+", entry.get("id", "")):
            project.report(Problem(file, form, line))
            return []
        if "until" in entry and not is_day(entry["until"]):
            project.report(Problem(file, f"audit-ignore: {entry['until']!r} is not a day such as 2026-12-31", line))
        entries.append(entry)
    return entries


def is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
