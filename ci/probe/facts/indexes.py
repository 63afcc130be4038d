"""Package indexes other than the public one, and where their credentials would come from."""

from __future__ import annotations

import re

from facts.reader import Project, strings, table


def is_public(url: str) -> bool:
    return re.match(r"https://pypi\.(python\.)?org/(simple|pypi)?/?$", url) is not None


def without_login(url: str) -> tuple[str, str | None]:
    """An address without credentials that stand for variables, `https://${USER}:${TOKEN}@host/`, and these. A step has no
    variables of the user's machine: credentials are handed over as a secret."""
    match = re.match(r"([a-z+]+://)([^/@]*\$\{?\w+\}?[^/@]*)@", url)
    return (url, None) if match is None else (match[1] + url[match.end() :], match[2])


def without_logins(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The same for an address somewhere in a line, `demo @ git+https://${TOKEN}@host/demo.git`."""
    match = re.search(r"(?:git\+)?(https?://[^\s@]*\$\{?\w+\}?[^\s/@]*@[^\s#@]+)", text)
    if match is None:
        return text, []
    address, login = without_login(match[1])
    if login is None:
        return text, []
    return text.replace(match[1], address, 1), [(address, login)]


def index_facts(project: Project, document: dict, lists: list[dict]) -> list[dict]:
    """Every index that a file of the project names, each address once."""
    facts: dict[str, dict] = {}

    def found(file: str, url: object, name: object = None, **flags: bool) -> None:
        if not isinstance(url, str) or is_public(url) or not re.match(r"https?://", url):
            return
        address, login = without_login(url)
        # What stands there in clear text is used by the installer itself, and is not repeated in a plan.
        address, written = re.subn(r"^(https?://)[^/@]+:[^/@]+@", r"\1", address)
        fact = facts.setdefault(address.rstrip("/"), {"file": file, "url": address})
        if written:
            fact["password"] = True
        fact |= {flag: True for flag, value in flags.items() if value}
        if isinstance(name, str) and name:
            fact.setdefault("name", name)
        if login is not None:
            fact.setdefault("login", login)

    tool = table(document.get("tool"))
    own = (project.toml("uv.toml") or {}) if project.exists("uv.toml") else {}
    for file, settings in (("uv.toml", own), ("pyproject.toml", table(tool.get("uv")))):
        for entry in listed(settings.get("index")):
            main, only = entry.get("default") is True, entry.get("explicit") is True
            found(file, entry.get("url"), entry.get("name"), main=main, only=only)
        found(file, settings.get("index-url"), main=True)
        for url in strings(settings.get("extra-index-url")):
            found(file, url)
    for manager in ("poetry", "pdm"):
        for entry in listed(table(tool.get(manager)).get("source")):
            main, only = entry.get("name") == "pypi", entry.get("priority") == "explicit"
            found("pyproject.toml", entry.get("url"), entry.get("name"), main=main, only=only)
    pipfile = (project.toml("Pipfile") or {}) if project.exists("Pipfile") else {}
    for entry in listed(pipfile.get("source")):
        found("Pipfile", entry.get("url"), entry.get("name"))
    for requirements in lists:
        for address, login in requirements["indexes"]:
            found(requirements["path"], address if login is None else address.replace("://", f"://{login}@", 1))
        for address, login in requirements["logins"]:
            found(requirements["path"], address.replace("://", f"://{login}@", 1), direct=True)
    return list(facts.values())


def listed(value: object) -> list[dict]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
