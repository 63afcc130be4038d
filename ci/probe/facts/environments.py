"""What the environments of tox, nox and Hatch install for tests, for projects that say it nowhere else."""

from __future__ import annotations

import ast
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


def environment(file: str, name: str, lines: list[str]) -> dict:
    fact: dict = {"file": file, "name": name, "requirements": [], "includes": []}
    for line in lines:
        line = re.sub(r"\s+#.*$", "", line.strip())
        # `py39: pytest` is for some factors only, and {posargs} or {[testenv]deps} are not for us to fill in.
        line = re.sub(r"^!?[\w,{}.!-]+:\s+", "", line)
        included = re.match(r"(?:-r|--requirement)[\s=]?\s*(\S+)", line)
        if included is not None:
            path = included[1].replace("{toxinidir}/", "").replace("{tox_root}/", "")
            if "{" not in path and not path.startswith(("/", "../")):
                fact["includes"].append(posixpath.normpath(path))
            continue
        if not line or line.startswith("-") or "{" in line:
            continue
        try:
            fact["requirements"].append(requirement(line))
        except InvalidRequirement:
            continue
    return fact


def tox(project: Project, document: dict) -> dict | None:
    own = table(table(table(document.get("tool")).get("tox")))
    if isinstance(own.get("legacy_tox_ini"), str):
        import configparser

        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(own["legacy_tox_ini"])
        except configparser.Error:
            return None
        file = "pyproject.toml"
    elif own:
        base = table(own.get("env_run_base"))
        return environment("pyproject.toml", "env_run_base", strings(base.get("deps")))
    elif project.exists("tox.ini"):
        parser, file = project.ini("tox.ini"), "tox.ini"
    elif project.exists("setup.cfg"):
        parser, file = project.ini("setup.cfg"), "setup.cfg"
        if parser is None or not parser.has_section("tox:tox"):
            return None
    else:
        return None
    if parser is None or not parser.has_section("testenv"):
        return None
    return environment(file, "testenv", parser.get("testenv", "deps", fallback="").splitlines())


def nox(project: Project) -> dict | None:
    """`session.install("pytest", …)` of the first session that is named after tests."""
    text = project.text("noxfile.py") if project.exists("noxfile.py") else None
    if text is None:
        return None
    try:
        tree = ast.parse(text)
    except (SyntaxError, RecursionError, ValueError, MemoryError):
        return None
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or TEST_SESSION.fullmatch(node.name) is None:
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
        return environment("noxfile.py", node.name, lines)
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
