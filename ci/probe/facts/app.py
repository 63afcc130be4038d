"""What of a project could be started: applications in the syntax trees of its modules, and what files say of processes."""

from __future__ import annotations

import ast
import re

from facts.django import django_facts
from facts.frameworks import CONSTRUCTORS, FACTORIES, HEALTH
from facts.module import Module, Modules
from facts.reader import Project


def app_facts(project: Project, paths: list[str]) -> dict:
    modules = Modules(project, paths)
    facts: dict = {"schema": 1, "apps": applications(modules), "pages": pages(modules), "mains": mains(modules)}
    procfile = procfile_facts(project)
    if procfile is not None:
        facts["procfile"] = procfile
    django = django_facts(project, modules)
    if django is not None:
        facts["django"] = django
    facts["servers"] = servers(modules)
    queue = queues(modules)
    if queue is not None:
        facts["queues"] = queue
    health = health_path(modules)
    if health is not None:
        facts["health"] = health
    return facts


def procfile_facts(project: Project) -> dict | None:
    """The processes of a Procfile; what is no process in it is left out, as its own tools do."""
    if not project.exists("Procfile"):
        return None
    processes = []
    for number, line in enumerate((project.text("Procfile") or "").splitlines(), 1):
        match = re.match(r"^([A-Za-z0-9_-]+):\s*(\S.*)$", line)
        if match is not None:
            processes.append({"name": match[1], "command": match[2].strip(), "line": number})
    return {"file": "Procfile", "processes": processes}


def applications(modules: Modules) -> list[dict]:
    """Applications that a server can import: objects at the top of modules, and functions that return one."""
    factories: dict[tuple[str, str], tuple[str, str]] = {}
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                made = returned(module, node)
                if made is not None:
                    factories[module.path, node.name] = made
    # A function can hand on what another one made.
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef) and (module.path, node.name) not in factories:
                made = handed_on(modules, module, node, factories)
                if made is not None:
                    factories[module.path, node.name] = made

    found = []
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                made = factories.get((module.path, node.name))
                if made is not None and callable_alone(node) and (node.name in FACTORIES or made[0] == "aiohttp"):
                    found.append(fact(modules, module, node, node.name, made, "factory"))
                continue
            for name, value in assigned(node):
                made = constructed(module, value) or called(modules, module, value, factories)
                if made is not None:
                    found.append(fact(modules, module, node, name, made, "object"))
    return found


def fact(modules: Modules, module: Module, node: ast.stmt, name: str, made: tuple[str, str], kind: str) -> dict:
    facts = {
        "framework": made[0],
        "protocol": made[1],
        "kind": kind,
        "name": name,
        "file": module.path,
        "line": node.lineno,
        **modules.place(module),
    }
    if isinstance(node, ast.AsyncFunctionDef):
        facts["async"] = True
    return facts


def assigned(node: ast.stmt) -> list[tuple[str, ast.expr]]:
    """Names that a statement binds, with their values; `with gr.Blocks() as demo:` binds one too."""
    if isinstance(node, ast.Assign):
        return [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return [(node.target.id, node.value)]
    if isinstance(node, ast.With):
        return [
            (item.optional_vars.id, item.context_expr)
            for item in node.items
            if isinstance(item.optional_vars, ast.Name)
        ]
    return []


def constructed(module: Module, value: ast.expr) -> tuple[str, str] | None:
    if not isinstance(value, ast.Call):
        return None
    return CONSTRUCTORS.get(module.origin(value.func) or "")


def called(modules: Modules, module: Module, value: ast.expr, factories: dict) -> tuple[str, str] | None:
    """What a function of the project gives that is called here, if it gives an application."""
    if not isinstance(value, ast.Call):
        return None
    if isinstance(value.func, ast.Name) and (module.path, value.func.id) in factories:
        return factories[module.path, value.func.id]
    origin = module.origin(value.func)
    if origin is None or "." not in origin:
        return None
    where, name = origin.rsplit(".", 1)
    for other in modules.named(where):
        if (other.path, name) in factories:
            return factories[other.path, name]
    return None


def returned(module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, str] | None:
    """The application that a function constructs and returns."""
    made: dict[str, tuple[str, str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.stmt):
            for name, value in assigned(node):
                built = constructed(module, value)
                if built is not None:
                    made[name] = built
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            if isinstance(node.value, ast.Name) and node.value.id in made:
                return made[node.value.id]
            built = constructed(module, node.value)
            if built is not None:
                return built
    return None


def handed_on(modules: Modules, module: Module, function: ast.FunctionDef, factories: dict) -> tuple[str, str] | None:
    made: dict[str, tuple[str, str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.stmt):
            for name, value in assigned(node):
                built = called(modules, module, value, factories)
                if built is not None:
                    made[name] = built
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            if isinstance(node.value, ast.Name) and node.value.id in made:
                return made[node.value.id]
            built = called(modules, module, node.value, factories)
            if built is not None:
                return built
    return None


def callable_alone(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it can be called without arguments."""
    arguments = function.args
    needed = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return needed == 0 and all(default is not None for default in arguments.kw_defaults)


def pages(modules: Modules) -> list[dict]:
    """Streamlit's scripts: they draw at the top of the module."""
    found = []
    for module in modules:
        if "/pages/" in f"/{module.path}":
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and (module.origin(node.func) or "").startswith("streamlit."):
                found.append({"file": module.path, "line": node.lineno, **modules.place(module)})
                break
    return found


def mains(modules: Modules) -> list[dict]:
    found = []
    for module in modules:
        if module.path.endswith("__main__.py"):
            found.append({"file": module.path, "line": 1, "kind": "module", **modules.place(module)})
            continue
        for node in module.tree.body:
            if isinstance(node, ast.If) and re.fullmatch(r"__name__ == ['\"]__main__['\"]", ast.unparse(node.test)):
                found.append({"file": module.path, "line": node.lineno, "kind": "script", **modules.place(module)})
    return found


SERVE = {
    "uvicorn.run", "waitress.serve", "aiohttp.web.run_app", "hypercorn.run", "gunicorn.run", "granian.Granian",
    "wsgiref.simple_server.make_server", "http.server.HTTPServer", "http.server.ThreadingHTTPServer", "cherrypy.quickstart",
    "bottle.run", "gevent.pywsgi.WSGIServer",
}  # fmt: skip


def servers(modules: Modules) -> list[dict]:
    """Functions, and modules' own code, that start a server themselves."""
    found = []
    for module in modules:
        scopes: list[tuple[str, ast.AST]] = [("", module.tree)]
        for function in ast.walk(module.tree):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                scopes.append((function.name, function))
        asks = any(isinstance(node, ast.Constant) and node.value == "PORT" for node in ast.walk(module.tree))
        # The function itself before the module that it is a part of.
        for name, scope in reversed(scopes):
            for node in ast.walk(scope):
                if not isinstance(node, ast.Call):
                    continue
                by_name = module.origin(node.func) in SERVE
                app = isinstance(node.func, ast.Attribute) and node.func.attr == "run"
                if by_name or (app and any(keyword.arg == "port" for keyword in node.keywords)):
                    server = {"function": name, "file": module.path, "line": node.lineno, **modules.place(module)}
                    for keyword in node.keywords:
                        if keyword.arg == "port" and isinstance(keyword.value, ast.Constant):
                            server["port"] = keyword.value.value
                    if asks:
                        server["asks"] = True
                    found.append(server)
                    break
    return found


def queues(modules: Modules) -> dict | None:
    """Names of the queues that RQ is given work through."""
    names: list[str] = []
    first = None
    for module in modules:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or module.origin(node.func) not in ("rq.Queue", "rq.queue.Queue"):
                continue
            first = first or {"file": module.path, "line": node.lineno, **modules.place(module)}
            given = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "name"), None)
            name = given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else "default"
            if re.fullmatch(r"[\w.:-]+", name) and name not in names:
                names.append(name)
    return {**first, "names": names} if first is not None else None


def health_path(modules: Modules) -> str | None:
    """A path that is there to ask whether the application is well."""
    seen = set()
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                value = node.args[0].value
                if name in ("get", "route", "path", "Route", "add_get", "add_route") and isinstance(value, str):
                    seen.add("/" + value.strip("/"))
    return next((path for path in HEALTH if path in seen), None)
