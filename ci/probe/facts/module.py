"""The modules of a project as syntax trees, and under which names they can be imported."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

from facts.reader import Project

MODULES = 3_000


@dataclass
class Module:
    path: str
    tree: ast.Module
    # Name in the module: where it comes from.
    imports: dict[str, str] = field(default_factory=dict)
    # First parts of what is imported from elsewhere than the module's own package.
    tops: set[str] = field(default_factory=set)

    def origin(self, expression: ast.expr) -> str | None:
        """`web.Application` as `aiohttp.web.Application`, by what the module imports."""
        parts = []
        while isinstance(expression, ast.Attribute):
            parts.append(expression.attr)
            expression = expression.value
        if not isinstance(expression, ast.Name) or expression.id not in self.imports:
            return None
        return ".".join([self.imports[expression.id], *reversed(parts)])


class Modules:
    """What of the paths can be parsed, in their order."""

    def __init__(self, project: Project, paths: list[str]):
        self.paths = set(paths)
        self.modules: list[Module] = []
        for path in paths[:MODULES]:
            # Its problems are the tests' to find: here a file that cannot be read is one that has nothing to start.
            text = project.text(path)
            if text is None:
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tree = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            module = Module(path, tree)
            self._imports(module)
            self.modules.append(module)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules)

    def named(self, name: str) -> list[Module]:
        """Modules that an import of the name could mean."""
        ending = name.replace(".", "/")
        wanted = {f"{base}{ending}{suffix}" for base in ("", "src/") for suffix in (".py", "/__init__.py")}
        return [
            module
            for module in self.modules
            if module.path in wanted or any(module.path.endswith("/" + path) for path in wanted)
        ]

    def _imports(self, module: Module) -> None:
        package = module.path.split("/")[:-1]
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    module.tops.add(alias.name.split(".")[0])
                    name = alias.asname or alias.name.split(".")[0]
                    module.imports[name] = alias.name if alias.asname else name
            elif isinstance(node, ast.ImportFrom):
                where = node.module or ""
                if node.level:
                    above = package[: len(package) - node.level + 1]
                    where = ".".join([part for part in [*above, where] if part])
                else:
                    module.tops.add(where.split(".")[0])
                for alias in node.names:
                    module.imports[alias.asname or alias.name] = f"{where}.{alias.name}"

    def place(self, module: Module) -> dict:
        """`root`, the directory from which it is imported, and `module`, its name there."""
        *directories, name = module.path[: -len(".py")].split("/")
        own = [] if name in ("__init__", "__main__") else [name]
        at = len(directories)
        while at > 0 and "/".join([*directories[:at], "__init__.py"]) in self.paths:
            at -= 1
        root, rest = directories[:at], directories[at:]
        base = ["src"] if root[:1] == ["src"] else []
        # Directories without __init__.py are packages where something imports them so.
        between = root[len(base) :]
        if between:
            tops = set().union(*(other.tops for other in self.modules if other.path.startswith("/".join(root) + "/")))
            beside = {
                path[len("/".join(root)) + 1 :].split("/")[0].removesuffix(".py")
                for path in self.paths
                if path.startswith("/".join(root) + "/")
            }
            if between[0] in tops or (beside.isdisjoint(tops) and all(part.isidentifier() for part in between)):
                root, rest = base, [*between, *rest]
        return {"root": "/".join(root), "module": ".".join([*rest, *own])}
