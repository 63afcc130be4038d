"""A Django project: its settings, its server entry, where its static files go."""

from __future__ import annotations

import ast
import posixpath
import re

from facts.module import Module, Modules
from facts.reader import Project

NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def django_facts(project: Project, modules: Modules) -> dict | None:
    manage = next((module for module in modules if is_manage(module)), None)
    if manage is None:
        return None
    root = posixpath.dirname(manage.path)
    facts: dict = {"manage": manage.path, "root": root, "environment": []}
    settings = settings_name(manage)
    if settings is None:
        return facts
    facts["settings"] = settings
    package = settings.split(".")[0]
    for kind in ("wsgi", "asgi"):
        path = posixpath.join(root, package, f"{kind}.py")
        if any(module.path == path for module in modules):
            facts[kind] = f"{package}.{kind}:application"
    place = posixpath.join(root, settings.replace(".", "/"))
    # Settings are often a package, or import their common part from beside them.
    beside = posixpath.dirname(place)
    for module in modules:
        if module.path != f"{place}.py" and not re.search(r"settings", module.path[len(beside) :]):
            continue
        if beside and not module.path.startswith(beside):
            continue
        read_settings(module, facts)
    facts["environment"] = sorted(set(facts["environment"]))
    return facts


def is_manage(module: Module) -> bool:
    return re.fullmatch(r"([^/]+/){0,2}manage\.py", module.path) is not None and settings_name(module) is not None


def settings_name(module: Module) -> str | None:
    """`os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")`"""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and len(node.args) == 2 and all(isinstance(a, ast.Constant) for a in node.args):
            name, value = (argument.value for argument in node.args)
            if name == "DJANGO_SETTINGS_MODULE" and isinstance(value, str) and NAME.fullmatch(value):
                return value
    return None


def read_settings(module: Module, facts: dict) -> None:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "STATIC_ROOT" for target in node.targets):
            facts["staticRoot"] = {"file": module.path, "line": node.lineno}
        elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "ASGI_APPLICATION" for target in node.targets):
            facts["asynchronous"] = True
        # os.environ["NAME"], env("NAME"), config("NAME"): without a default it has to be there.
        elif isinstance(node, ast.Subscript) and module.origin(node.value) == "os.environ":
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                facts["environment"].append(node.slice.value)
        elif isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            asked = name in ("env", "config", "str", "db") and not any(k.arg == "default" for k in node.keywords)
            value = node.args[0].value
            if asked and isinstance(value, str) and re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
                facts["environment"].append(value)
