"""Which files a build backend reads, as far as its configuration says."""

from __future__ import annotations

import ast
import posixpath
import re

from facts.reader import Project, strings, table


def build_inputs(project: Project, facts: dict, metadata: dict, tool: dict) -> None:
    """Which files the build backend reads beside names of packages, as far as the configuration says."""
    reads: set[str] = set()
    hooks: set[str] = set()

    def read(value: object) -> None:
        if isinstance(value, str) and not value.startswith(("/", "../")):
            reads.add(posixpath.normpath(value))

    readme = metadata.get("readme")
    read(readme if isinstance(readme, str) else table(readme).get("file"))
    read(table(metadata.get("license")).get("file"))
    for pattern in strings(metadata.get("license-files")):
        read(pattern)

    setuptools = table(tool.get("setuptools"))
    for key, entry in table(setuptools.get("dynamic")).items():
        for name in [table(entry).get("file")] + strings(table(entry).get("file")):
            read(name)
        attribute = table(entry).get("attr")
        if isinstance(attribute, str) and "." in attribute:
            module = attribute.rsplit(".", 1)[0].replace(".", "/")
            for base in ("", "src/", "lib/"):
                reads.update({f"{base}{module}.py", f"{base}{module}/__init__.py"})
            package = module.split("/")[0]
            for base in ("", "src/", "lib/"):
                reads.add(f"{base}{package}/__init__.py")
    if "ext-modules" in setuptools:
        hooks.add("tool.setuptools.ext-modules")
    if "cmdclass" in setuptools:
        hooks.add("tool.setuptools.cmdclass")

    hatch = table(tool.get("hatch"))
    hatch_version = table(hatch.get("version"))
    if hatch_version.get("source") in (None, "regex", "code"):
        read(hatch_version.get("path"))
        if hatch_version.get("source") == "code":
            hooks.add("tool.hatch.version.source = code")
    elif hatch_version.get("source") not in ("vcs", "env", "nodejs"):
        hooks.add("tool.hatch.version.source")
    read(table(hatch.get("build")).get("version-file"))
    build_hooks = dict(table(table(hatch.get("build")).get("hooks")))
    for target in table(table(hatch.get("build")).get("targets")).values():
        build_hooks |= table(table(target).get("hooks"))
    hooks.update(f"tool.hatch.build.hooks.{name}" for name in build_hooks if name not in ("vcs", "version"))
    for name, hook in table(table(hatch.get("metadata")).get("hooks")).items():
        if name == "fancy-pypi-readme":
            fragments = table(hook).get("fragments")
            for fragment in fragments if isinstance(fragments, list) else []:
                read(table(fragment).get("path"))
        elif name not in ("vcs", "requirements_txt"):
            hooks.add(f"tool.hatch.metadata.hooks.{name}")
        else:
            for path in strings(table(hook).get("files")):
                read(path)
    for key in ("packages", "force-include", "only-include"):
        wheel = table(table(table(hatch.get("build")).get("targets")).get("wheel"))
        for path in strings(wheel.get(key)) + list(table(wheel.get(key))):
            if re.search(r"\.\w+$", path):
                read(path)

    pdm = table(tool.get("pdm"))
    pdm_version = table(pdm.get("version"))
    if pdm_version.get("source") == "file":
        read(pdm_version.get("path"))
    elif pdm_version.get("source") == "scm":
        facts["pdmScm"] = True
    elif pdm_version.get("source") == "call":
        hooks.add("tool.pdm.version.source = call")
    pdm_build = table(pdm.get("build"))
    hooks.update(
        f"tool.pdm.build.{key}" for key in ("custom-hook", "run-setuptools", "setup-script") if key in pdm_build
    )
    if table(table(tool.get("poetry")).get("build")):
        hooks.add("tool.poetry.build")
    if isinstance(table(tool.get("poetry")).get("build"), str):
        hooks.add("tool.poetry.build")
    for name in strings([table(tool.get("poetry")).get("readme")]) + strings(table(tool.get("poetry")).get("readme")):
        read(name)
    if "versioneer" in tool:
        hooks.add("tool.versioneer")
    text = readme if isinstance(readme, str) else table(readme).get("file")
    poetry_readme = table(tool.get("poetry")).get("readme")
    for name in [text, poetry_readme, *strings(poetry_readme)]:
        if isinstance(name, str) and posixpath.normpath(name) in reads:
            facts.setdefault("readmes", []).append(posixpath.normpath(name))
    for table_, key in (
        (tool.get("setuptools_scm"), "fallback_version"),
        (hatch_version, "fallback-version"),
        (hatch_version.get("raw-options"), "fallback_version"),
        (pdm_version, "fallback_version"),
        (tool.get("uv-dynamic-versioning"), "fallback-version"),
        (tool.get("versioningit"), "default-version"),
    ):
        if isinstance(table(table_).get(key), str):
            facts["fallbackVersion"] = table(table_)[key]
            break
    facts["buildReads"] = sorted(reads)
    facts["buildHooks"] = sorted(hooks)


def flit_module(project: Project, facts: dict, metadata: dict, tool: dict) -> None:
    """flit takes a dynamic version out of the module: its text where it is written down, else by importing the module."""
    if not str(facts.get("build", {}).get("backend", "")).startswith("flit_core"):
        return
    if not {"version", "description"} & set(strings(metadata.get("dynamic"))):
        return
    module = table(table(tool.get("flit")).get("module")).get("name") or metadata.get("name")
    if not isinstance(module, str):
        return
    name = module.replace("-", "_").replace(".", "/")
    paths = [f"{base}{name}{ending}" for base in ("", "src/") for ending in ("/__init__.py", ".py")]
    found = [path for path in paths if project.exists(path)]
    for path in paths if not found else []:
        project.missing.append({"path": path, "file": "pyproject.toml", "line": 1, "optional": True})
    for path in found[:1]:
        try:
            tree = ast.parse(project.text(path) or "")
        except (SyntaxError, RecursionError, ValueError, MemoryError):
            continue
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == "__version__" for target in targets):
                if isinstance(node.value, ast.Constant):
                    return
        facts["buildHooks"] = sorted({*facts["buildHooks"], "flit, which imports the module for its version,"})
