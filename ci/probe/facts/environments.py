"""What the environments of tox, nox and Hatch install for tests, for projects that say it nowhere else."""

from __future__ import annotations

import ast
import configparser
import posixpath
import re

from packaging.requirements import InvalidRequirement

from facts.reader import Project, strings, table
from facts.requirement import requirement

TEST_SESSION = re.compile(r"(?:unit_?|run_?)?(?:tests?|pytest|testing)(?:_\w+)?")


def environment_facts(project: Project, document: dict) -> list[dict]:
    found = []
    for fact in (tox(project, document), nox(project), hatch(project, document)):
        if fact is not None and (fact["requirements"] or fact["includes"]):
            found.append(fact)
    return found


def session_facts(project: Project, document: dict) -> dict:
    """Names of the environments of tox and of the sessions of nox, and where they stand."""
    found = {}
    source = tox_source(project, document)
    if source is not None:
        file, envs, _ = source
        found["tox"] = {"file": file, "names": envs}
    functions = nox_sessions(project)
    if functions:
        found["nox"] = {"file": "noxfile.py", "names": [name for name, _ in functions]}
    return found


def environment(file: str, name: str, lines: list[str]) -> dict:
    fact: dict = {"file": file, "name": name, "requirements": [], "includes": []}
    for line in lines:
        line = re.sub(r"\s+#.*$", "", line.strip())
        # `py39: pytest` is for some environments only; {posargs} or {[testenv]deps} are not for us to fill in.
        condition = re.match(r"^(!?[\w.!-][\w,.!-]*(?:\{[\w,.-]+\}[\w,.!-]*)*):\s+", line)
        factors = {}
        if condition is not None:
            factors = {"factors": ",".join(expanded(condition[1]))}
            line = line[condition.end() :]
        included = re.match(r"(?:-r|--requirement)[\s=]?\s*(\S+)", line)
        if included is not None:
            path = included[1].replace("{toxinidir}/", "").replace("{tox_root}/", "")
            if "{" not in path and not path.startswith(("/", "../")):
                fact["includes"].append({"path": posixpath.normpath(path), **factors})
            continue
        if not line or line.startswith("-") or "{" in line:
            continue
        try:
            fact["requirements"].append({**requirement(line), **factors})
        except InvalidRequirement:
            continue
    return fact


MOST_NAMES = 200


def expanded(text: str) -> list[str]:
    """`py{39,310}-django{42,51}, lint` as the names that it stands for."""
    names: list[str] = []
    for part in re.findall(r"(?:[^,\s{}]|\{[^{}]*\})+", text):
        made = [""]
        for piece in re.findall(r"\{[^{}]*\}|[^{}]+", part):
            choices = alternatives(piece[1:-1]) if piece.startswith("{") else [piece]
            made = [before + choice for before in made for choice in choices][:MOST_NAMES]
        names += made
    return names[:MOST_NAMES]


def alternatives(text: str) -> list[str]:
    """`39,310` or, since tox 4.25, `39-313` as what stands between braces."""
    span = re.fullmatch(r"(\d{1,4})-(\d{1,4})", text.strip())
    if span is not None and 0 <= int(span[2]) - int(span[1]) < MOST_NAMES:
        return [str(number) for number in range(int(span[1]), int(span[2]) + 1)]
    return [choice.strip() for choice in text.split(",")]


def tox_source(project: Project, document: dict) -> tuple[str, list[str], list[tuple[str, list[str]]]] | None:
    """The file that configures tox, its list of environments, and the dependencies of those that may be for tests."""
    own = table(table(document.get("tool")).get("tox"))
    if project.exists("tox.toml"):
        own, file = project.toml("tox.toml") or {}, "tox.toml"
    else:
        file = "pyproject.toml"
    parser = None
    if isinstance(own.get("legacy_tox_ini"), str):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(own["legacy_tox_ini"])
        except configparser.Error:
            return None
    elif own:
        envs = [name for name in own.get("env_list", []) if isinstance(name, str)] if isinstance(own.get("env_list"), list) else []
        base = table(own.get("env_run_base"))
        return file, envs or ["py"], [("env_run_base", strings(base.get("deps")))]
    elif project.exists("tox.ini"):
        parser, file = project.ini("tox.ini"), "tox.ini"
    elif project.exists("setup.cfg"):
        parser, file = project.ini("setup.cfg"), "setup.cfg"
        if parser is None or not parser.has_section("tox:tox"):
            return None
    if parser is None:
        return None
    listed = ""
    for section in ("tox", "tox:tox"):
        for option in ("env_list", "envlist"):
            listed = listed or (parser.get(section, option, fallback="") if parser.has_section(section) else "")
    sections = []
    for section in parser.sections():
        name = section.partition(":")[2]
        if section == "testenv" or (section.startswith("testenv:") and TEST_SESSION.fullmatch(name.replace("-", "_"))):
            sections.append((section, parser.get(section, "deps", fallback="").splitlines()))
    if not sections and not listed:
        return None
    return file, expanded(re.sub(r"#.*", "", listed)) or ["py"], sections


def tox(project: Project, document: dict) -> dict | None:
    source = tox_source(project, document)
    if source is None:
        return None
    file, _, sections = source
    for name, lines in sorted(sections, key=lambda section: section[0] not in ("testenv", "env_run_base")):
        fact = environment(file, name, lines)
        if fact["requirements"] or fact["includes"]:
            return fact
    return None


def nox_sessions(project: Project) -> list[tuple[str, ast.FunctionDef]]:
    """Functions that nox runs, by the names it gives them."""
    text = project.text("noxfile.py") if project.exists("noxfile.py") else None
    if text is None:
        return []
    try:
        tree = ast.parse(text)
    except (SyntaxError, RecursionError, ValueError, MemoryError):
        return []
    found = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            word = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if word != "session":
                continue
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
            names = [item.value.value for item in keywords if item.arg == "name" and isinstance(item.value, ast.Constant)]
            found.append((str((names or [node.name])[0]), node))
            break
    return found


def nox(project: Project) -> dict | None:
    """`session.install("pytest", …)` of the first session that is named after tests."""
    for name, node in nox_sessions(project):
        if TEST_SESSION.fullmatch(name.replace("-", "_")) is None:
            continue
        lines: list[str] = []
        for call in ast.walk(node):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "install"):
                continue
            words = [item.value for item in call.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
            option = ""
            for word in words:
                if option in ("-r", "--requirement"):
                    lines.append(f"-r {word}")
                elif option == "" and not word.startswith((".", "-")):
                    lines.append(word)
                option = word if word in ("-r", "--requirement", "-c", "-e", "--group", "--constraint") else ""
        return environment("noxfile.py", name, lines)
    return None


def hatch(project: Project, document: dict) -> dict | None:
    if project.exists("hatch.toml"):
        file, envs = "hatch.toml", table((project.toml("hatch.toml") or {}).get("envs"))
    else:
        file, envs = "pyproject.toml", table(table(table(document.get("tool")).get("hatch")).get("envs"))
    for name in ("test", "tests", "hatch-test", "default", "dev"):
        env = table(envs.get(name))
        listed = strings(env.get("dependencies")) + strings(env.get("extra-dependencies"))
        if name == "hatch-test" and env and not strings(env.get("dependencies")):
            listed.append("pytest")
        if listed or strings(env.get("features")) or strings(env.get("dependency-groups")):
            fact = environment(file, name, listed)
            fact["extras"] = strings(env.get("features"))
            fact["groups"] = strings(env.get("dependency-groups"))
            return fact
    return None
