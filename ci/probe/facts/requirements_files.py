"""Requirements files, as pip reads them."""

from __future__ import annotations

import posixpath
import re

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from facts.indexes import without_login, without_logins
from facts.reader import Problem, Project
from facts.requirement import note_vcs, requirement


DEPTH = 12


# Options of a requirements file which uv understands; others are pip's own affair and change no dependency.
VALUE_OPTIONS = {
    "-i": "--index-url", "--index-url": "--index-url", "--extra-index-url": "--extra-index-url",
    "-f": "--find-links", "--find-links": "--find-links", "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
}  # fmt: skip
FLAG_OPTIONS = {
    "--no-index": ["--no-index"],
    "--pre": ["--prerelease", "allow"],
    "--require-hashes": ["--require-hashes"],
}
IGNORED_OPTIONS = {"--prefer-binary", "--trusted-host", "--use-feature", "--global-option", "--config-settings"}


def logical_lines(text: str):
    """Lines with continuations joined and comments dropped, as pip does it, with the number of the first."""
    start, parts = 0, []
    for number, raw in enumerate(text.splitlines(), 1):
        if not parts:
            start = number
        if raw.endswith("\\") and not re.match(r"^\s*#", raw):
            parts.append(raw[:-1])
            continue
        parts.append(raw)
        line = re.sub(r"(^|\s+)#.*$", "", "".join(parts)).strip()
        parts = []
        if line:
            yield start, line
    if parts:
        line = re.sub(r"(^|\s+)#.*$", "", "".join(parts)).strip()
        if line:
            yield start, line


def requirements_file(project: Project, path: str) -> dict | None:
    text = project.text(path)
    if text is None:
        return None
    facts: dict = {"path": path, "requirements": [], "locals": [], "includes": [], "constraints": [], "options": [], "indexes": [], "logins": []}
    for number, line in logical_lines(text):
        try:
            requirements_line(project, facts, path, number, line)
        except Problem as problem:
            project.report(problem)
    return facts


def requirements_line(project: Project, facts: dict, path: str, number: int, line: str) -> None:
    if line.startswith("-"):
        option, _, value = re.sub(r"^(-[a-z])(?=[^\s=])", r"\1 ", line, count=1).partition(" ")
        if "=" in option:
            option, _, value = line.partition("=")
        value = value.strip()
        if option in ("-r", "--requirement", "-c", "--constraint"):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), value))
            if not value:
                raise Problem(path, f"{option} needs a file", number)
            if re.match(r"[a-z]+://", value):
                raise Problem(path, f"{option} {value}: a requirements file on another host is not read", number)
            if target.startswith("../") or target.startswith("/"):
                raise Problem(path, f"{option} {value} is outside of the project", number)
            facts["includes" if option in ("-r", "--requirement") else "constraints"].append(
                {"path": target, "line": number}
            )
        elif option in ("-e", "--editable"):
            value, logins = without_logins(value)
            facts["logins"] += logins
            refuse_variables(path, number, value)
            local_or_url(facts, path, number, value, editable=True)
        elif option in VALUE_OPTIONS:
            address, login = without_login(value)
            refuse_variables(path, number, address)
            facts["options"].append([VALUE_OPTIONS[option], address])
            if VALUE_OPTIONS[option].endswith("index-url"):
                facts["indexes"].append([address, login])
        elif option in FLAG_OPTIONS:
            facts["options"].append(FLAG_OPTIONS[option])
        elif option not in IGNORED_OPTIONS:
            raise Problem(path, f"{option} is not an option of a requirements file", number)
        return
    line, logins = without_logins(line)
    facts["logins"] += logins
    refuse_variables(path, number, line)
    hashes = re.findall(r"--hash[= ]\s*(\S+)", line)
    line = re.sub(r"\s+--(hash|config-settings?|global-option|no-build-isolation)\b[= ]?\s*\S*", "", line).strip()
    if re.match(r"(\.{1,2}(/|$|\[)|/|[\w.-]+/)", line) or line.startswith("file:"):
        local_or_url(facts, path, number, line, editable=False)
    elif re.match(r"[a-z][a-z0-9+.-]*://", line):
        fact: dict = {"text": line, "url": True, "line": number, "hashes": hashes}
        note_vcs(fact, line)
        egg = re.search(r"[#&]egg=([\w.-]+)", line)
        if egg is not None:
            fact["name"] = canonicalize_name(egg[1])
        facts["requirements"].append(fact)
    else:
        try:
            facts["requirements"].append({**requirement(line), "line": number, "hashes": hashes})
        except InvalidRequirement as error:
            reason = str(error).split("\n")[0]
            raise Problem(path, f"{line!r} is not a requirement: {reason}", number) from error


def refuse_variables(path: str, number: int, text: str) -> None:
    """pip fills in `${NAME}` of its environment; a step has no variables of the user's machine."""
    match = re.search(r"\$\{[A-Z0-9_]+\}", text)
    if match is not None:
        raise Problem(path, f"{match[0]} is a variable of the machine that pip runs on, and no input here", number)


def local_or_url(facts: dict, path: str, number: int, value: str, *, editable: bool) -> None:
    if re.match(r"(git|hg|svn|bzr)\+", value):
        egg = re.search(r"[#&]egg=([\w.-]+)", value)
        # An editable checkout and an installed one pass the same tests, and uv takes no editable URL.
        fact: dict = {"text": f"{egg[1]} @ {value}" if egg else value, "url": True, "line": number, "hashes": []}
        note_vcs(fact, value)
        if egg is not None:
            fact["name"] = canonicalize_name(egg[1])
        facts["requirements"].append(fact)
        return
    match = re.match(r"(?:file:(?://)?)?([^\[;]+)(?:\[([^\]]*)\])?", value)
    if match is None:
        raise Problem(path, f"{value!r} is not a path", number)
    # pip reads a path in a requirements file from the working directory, not from the file's.
    target = posixpath.normpath(match[1].strip())
    if target.startswith("..") or target.startswith("/"):
        raise Problem(path, f"{value} is outside of the project", number)
    extras = [extra.strip() for extra in (match[2] or "").split(",") if extra.strip()]
    facts["locals"].append({"path": target, "extras": extras, "editable": editable, "line": number})


def follow_requirements(project: Project, names: list[str]) -> list[dict]:
    """The files, and those they include, each once."""
    facts: dict[str, dict] = {}
    queue = [(name, 0) for name in names]
    while queue:
        name, depth = queue.pop(0)
        if name in facts:
            continue
        fact = requirements_file(project, name)
        if fact is None:
            continue
        facts[name] = fact
        for reference in fact["includes"] + fact["constraints"]:
            if project.exists(reference["path"]):
                if depth < DEPTH:
                    queue.append((reference["path"], depth + 1))
            else:
                project.missing.append({"path": reference["path"], "file": name, "line": reference["line"]})
    return list(facts.values())


# pyproject.toml
