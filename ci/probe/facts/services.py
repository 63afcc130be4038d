"""[tool.pyline.services]: what the tests want beside them, a database for example."""

from __future__ import annotations

import re

from facts.reader import Problem, Project, key_line, strings

PRESETS = ("postgres", "redis", "valkey", "mysql", "mariadb")
ALIASES = {"postgresql": "postgres"}
# What a text of `exports` may refer to.
PLACEHOLDERS = ("host", "port", "user", "password", "database", "url")
SERVICES = 20
TABLE = "true, a version, or a table"
KEYS = (
    "preset", "version", "image", "port", "ports", "environment", "command", "health", "exports", "user", "password",
    "database",
)  # fmt: skip


def services_facts(project: Project, file: str, value: dict) -> list[dict]:
    facts = []
    for name, entry in list(value.items())[:SERVICES]:
        line = key_line(project, file, name) or section_line(project, file, name)
        problems: list[str] = []
        fact = service(name, entry, problems)
        for problem in problems:
            project.report(Problem(file, f"services.{name}: {problem}", line))
        if fact is not None and not problems:
            facts.append({**fact, **({"line": line} if line is not None else {})})
    return facts


def section_line(project: Project, file: str, name: str) -> int | None:
    text = project.text(file) or ""
    match = re.search(rf"^\s*\[[^\]\n]*services\.{re.escape(name)}\]", text, re.MULTILINE)
    return None if match is None else text.count("\n", 0, match.start()) + 1


def service(name: str, entry: object, problems: list[str]) -> dict | None:
    if entry is False:
        return None
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", name):
        problems.append("a service is named as a host is: small letters, digits and dashes")
        return None
    preset = ALIASES.get(name, name)
    preset = preset if preset in PRESETS else None
    if entry is True or isinstance(entry, (str, int, float)):
        if preset is None:
            problems.append(f"only {', '.join(PRESETS)} are known by name; give this one an image")
            return None
        version = None if entry is True else version_of(entry, problems)
        return {"name": name, "preset": preset, **({"version": version} if version else {})}
    if not isinstance(entry, dict):
        problems.append(f"must be {TABLE}")
        return None
    return from_table(name, preset, entry, problems)


def version_of(value: object, problems: list[str]) -> str | None:
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or not re.fullmatch(r"[A-Za-z0-9_][\w.-]{0,100}", text):
        problems.append(f"{text!r} is not a version")
        return None
    return text


def from_table(name: str, preset: str | None, entry: dict, problems: list[str]) -> dict:
    fact: dict = {"name": name}
    for key in entry:
        if key not in KEYS:
            problems.append(f"has no setting {key!r}; it has {', '.join(KEYS)}")
    wanted = entry.get("preset", preset)
    if "preset" in entry and ALIASES.get(wanted, wanted) not in PRESETS:
        problems.append(f"preset must be one of {', '.join(PRESETS)}")
    elif wanted is not None:
        fact["preset"] = ALIASES.get(wanted, wanted)
    if "version" in entry:
        fact["version"] = version_of(entry["version"], problems)
    for key, pattern, what in (
        ("image", r"[A-Za-z0-9][\w./:@-]{0,300}", "the name of an image"),
        ("user", r"[\w.-]{1,60}", "a name"),
        ("password", r"[\w.-]{1,100}", "letters and digits"),
        ("database", r"[\w-]{1,60}", "a name"),
    ):
        if key in entry:
            value = entry[key]
            if isinstance(value, str) and re.fullmatch(pattern, value):
                fact[key] = value
            else:
                problems.append(f"{key} must be {what}")
    if "preset" not in fact and "image" not in fact and not problems:
        problems.append("has no image")
    ports = entry.get("ports", [entry["port"]] if "port" in entry else None)
    if ports is not None:
        if isinstance(ports, list) and ports and all(is_port(port) for port in ports):
            fact["ports"] = ports
        else:
            problems.append("port must be between 1 and 65535, ports a list of such numbers")
    for key in ("environment", "exports"):
        if key in entry:
            texts = table_of_texts(entry[key], r"[A-Za-z_]\w*" if key == "exports" else r"[A-Za-z_][\w.-]*")
            if texts is None:
                problems.append(f"{key} must be a table of names and texts")
            else:
                fact[key] = texts
    for text in fact.get("exports", {}).values():
        for word in re.findall(r"\{(\w*)\}", text):
            if word not in PLACEHOLDERS:
                problems.append(f"exports: there is no {{{word}}}; there are {', '.join(PLACEHOLDERS)}")
    if "command" in entry:
        if entry["command"] and strings(entry["command"]) == entry["command"]:
            fact["command"] = entry["command"]
        else:
            problems.append("command must be a list of strings")
    if "health" in entry:
        health = entry["health"]
        if health is False or (isinstance(health, str) and health) or (health and strings(health) == health):
            fact["health"] = health
        else:
            problems.append("health must be a command: a list of strings, or a line for the shell; false for none")
    return fact


def is_port(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536


def table_of_texts(value: object, pattern: str) -> dict | None:
    if not isinstance(value, dict):
        return None
    texts = {}
    for name, text in value.items():
        if not re.fullmatch(pattern, name, re.ASCII):
            return None
        if isinstance(text, bool) or not isinstance(text, (str, int, float)) or "\x00" in str(text):
            return None
        texts[name] = str(text)
    return texts
