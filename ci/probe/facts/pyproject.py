"""What pyproject.toml says of the project (PEP 621), its dependency groups (PEP 735) and its build (PEP 517)."""

from __future__ import annotations

import posixpath
import re

from packaging.utils import canonicalize_name

from facts.build_inputs import build_inputs, flit_module
from facts.neutral import neutral_pyproject
from facts.metadata import metadata_facts
from facts.reader import Problem, Project, key_line, line_of, strings, table
from facts.requirement import requirement_list
from facts.requirements_files import follow_requirements


def pyproject_facts(project: Project, document: dict) -> dict:
    file = "pyproject.toml"
    text = project.text(file) or ""
    tool = table(document.get("tool"))
    facts: dict = {
        "groups": groups(project, document.get("dependency-groups")),
        "tools": sorted(tool),
        "buildReads": [],
        "buildHooks": [],
        "dynamicDependencies": False,
        "metadata": metadata_facts(document),
    }
    metadata = document.get("project")
    if metadata is not None and not isinstance(metadata, dict):
        project.report(Problem(file, "[project] must be a table", line_of(text, r"^\s*project\s*=")))
    elif metadata is not None:
        facts["project"] = project_facts(project, metadata)
        dynamic = facts["project"]["dynamic"]
        if "dependencies" in dynamic or "optional-dependencies" in dynamic:
            dynamic_dependencies(project, facts, tool)
    build = document.get("build-system")
    if isinstance(build, dict):
        facts["build"] = {"requires": strings(build.get("requires")), "inTree": "backend-path" in build}
        if isinstance(build.get("build-backend"), str):
            facts["build"]["backend"] = build["build-backend"]
    elif build is not None:
        project.report(Problem(file, "[build-system] must be a table", line_of(text, r"^\s*build-system\s*=")))
    distribution = table(tool.get("pdm")).get("distribution")
    if isinstance(distribution, bool):
        facts["distribution"] = distribution
    build_inputs(project, facts, table(metadata), tool)
    flit_module(project, facts, table(metadata), tool)
    uv = tool.get("uv")
    if isinstance(uv, dict):
        facts["uv"] = {"workspace": "workspace" in uv}
        if isinstance(uv.get("package"), bool):
            facts["uv"]["package"] = uv["package"]
        if isinstance(uv.get("default-groups"), list):
            facts["uv"]["defaultGroups"] = strings(uv["default-groups"])
        uv_sources(project, facts, document, uv)
        if "dev-dependencies" in uv and "dev" not in facts["groups"]:
            facts["groups"]["dev"] = requirement_list(project, file, "tool.uv.dev-dependencies", uv["dev-dependencies"])
    return facts


def uv_sources(project: Project, facts: dict, document: dict, uv: dict) -> None:
    """[tool.uv.sources] and indexes for some packages alone: without a lock, what only uv itself makes of pyproject.toml."""
    sources = table(uv.get("sources"))
    kinds = {
        kind
        for value in sources.values()
        for entry in (value if isinstance(value, list) else [value])
        for kind in table(entry)
    }
    if "git" in kinds:
        facts["uv"]["git"] = True
    if kinds & {"path", "workspace"}:
        facts["uv"]["locals"] = True
    if sources and not project.exists("uv.lock"):
        facts["uv"]["document"] = neutral_pyproject(document, locked=False)


def project_facts(project: Project, metadata: dict) -> dict:
    file = "pyproject.toml"
    text = project.text(file) or ""
    facts: dict = {
        "dynamic": strings(metadata.get("dynamic")),
        "dependencies": requirement_list(project, file, "project.dependencies", metadata.get("dependencies")),
        "extras": {},
    }
    name = metadata.get("name")
    if name is None and project.exists("pdm.lock"):
        # PDM takes a project that is nothing but its dependencies.
        pass
    elif not isinstance(name, str) or not re.fullmatch(r"(?i)[a-z0-9]([a-z0-9._-]*[a-z0-9])?", name):
        problem = "[project] has no name" if name is None else f"project.name {name!r} is not a valid name"
        project.report(
            Problem(file, problem, line_of(text, r"^\s*name\s*=" if name is not None else r"^\s*\[project\]"))
        )
    else:
        facts["name"] = name
    if isinstance(metadata.get("version"), str):
        facts["version"] = metadata["version"]
    if isinstance(metadata.get("requires-python"), str):
        facts["requiresPython"] = metadata["requires-python"]
    optional = metadata.get("optional-dependencies")
    for extra, values in table(optional).items():
        facts["extras"][canonicalize_name(extra)] = requirement_list(
            project, file, f"project.optional-dependencies.{extra}", values
        )
    return facts


def groups(project: Project, document: object) -> dict[str, list[dict]]:
    """PEP 735 groups with their includes resolved. Names are compared as PEP 503 normalises them."""
    file = "pyproject.toml"
    if document is not None and not isinstance(document, dict):
        project.report(Problem(file, "[dependency-groups] must be a table"))
        return {}
    raw = {canonicalize_name(name): value for name, value in table(document).items()}
    names = {canonicalize_name(name): name for name in table(document)}

    def resolve(name: str, path: tuple[str, ...]) -> list[dict]:
        line = line_of(project.text(file) or "", rf"^\s*[\"']?{re.escape(names.get(name, name))}[\"']?\s*=")
        if name in path:
            chain = " -> ".join((*path, name))
            raise Problem(file, f"dependency-groups: {chain} include each other", line)
        values = raw[name]
        if not isinstance(values, list):
            raise Problem(file, f"dependency-groups.{name} must be a list", line)
        facts = []
        for value in values:
            if isinstance(value, str):
                facts += requirement_list(project, file, f"dependency-groups.{name}", [value])
            elif isinstance(value, dict) and isinstance(value.get("include-group"), str):
                included = canonicalize_name(value["include-group"])
                if included not in raw:
                    raise Problem(file, f"dependency-groups.{name} includes {included!r}, which there is not", line)
                facts += resolve(included, (*path, name))
            else:
                raise Problem(
                    file,
                    f"dependency-groups.{name} holds something that is neither a requirement nor an include-group",
                    line,
                )
        return facts

    resolved = {}
    for name in raw:
        try:
            resolved[name] = resolve(name, ())
        except Problem as problem:
            project.report(problem)
    return resolved


def dynamic_dependencies(project: Project, facts: dict, tool: dict) -> None:
    """Dependencies that setuptools reads from requirements files can be read as well; all others need a build."""
    dynamic = table(table(tool.get("setuptools")).get("dynamic"))

    def read(entry: object, where: str) -> list[dict] | None:
        files = table(entry).get("file")
        files = [files] if isinstance(files, str) else strings(files)
        if not files:
            return None
        found = []
        for name in files:
            path = posixpath.normpath(name)
            if not project.exists(path):
                project.missing.append(
                    {"path": path, "file": "pyproject.toml", "line": key_line(project, "pyproject.toml", where) or 1}
                )
                continue
            for fact in follow_requirements(project, [path]):
                found += [
                    {k: v for k, v in entry.items() if k not in ("line", "hashes")} for entry in fact["requirements"]
                ]
        return found

    if "dependencies" in facts["project"]["dynamic"]:
        found = read(dynamic.get("dependencies"), "dependencies")
        if found is None:
            facts["dynamicDependencies"] = True
        else:
            facts["project"]["dependencies"] = found
    if "optional-dependencies" in facts["project"]["dynamic"]:
        for extra, entry in table(dynamic.get("optional-dependencies")).items():
            found = read(entry, extra)
            if found is not None:
                facts["project"]["extras"][canonicalize_name(extra)] = found
