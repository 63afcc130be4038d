"""setup.py and setup.cfg, read and not run."""

from __future__ import annotations

import ast
import re

from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from facts.metadata import SCRIPT
from facts.reader import Problem, Project, line_of, table
from facts.requirement import requirement


def setup_facts(project: Project) -> dict | None:
    facts: dict = {
        "files": [], "dependencies": [], "extras": {}, "testsRequire": [], "dynamicDependencies": False,
        "extensions": False, "configOnly": True, "classifiers": [], "scripts": {},
    }  # fmt: skip
    if project.exists("setup.cfg"):
        facts["files"].append("setup.cfg")
        setup_cfg(project, facts)
    if project.exists("setup.py"):
        facts["files"].append("setup.py")
        facts["configOnly"] = False
        setup_py(project, facts)
    return facts if facts["files"] else None


def setup_cfg(project: Project, facts: dict) -> None:
    parser = project.ini("setup.cfg")
    if parser is None:
        return
    facts["configOnly"] = not (parser.has_section("metadata") or parser.has_section("options"))

    def listed(section: str, option: str) -> list[dict]:
        value = parser.get(section, option, fallback="")
        if value.strip().startswith("file:"):
            facts["dynamicDependencies"] = True
            return []
        found = []
        for line in re.split(r"[\n;]" if "\n" not in value else r"\n", value):
            line = re.sub(r"(^|\s+)#.*$", "", line).strip()
            if line:
                try:
                    found.append(requirement(line))
                except InvalidRequirement as error:
                    number = line_of(project.text("setup.cfg") or "", re.escape(line))
                    reason = str(error).split("\n")[0]
                    project.report(
                        Problem("setup.cfg", f"{section}.{option}: {line!r} is not a requirement: {reason}", number)
                    )
        return found

    name = parser.get("metadata", "name", fallback=None)
    if name:
        facts["name"] = name.strip()
    version = parser.get("metadata", "version", fallback="")
    if version and not version.startswith(("attr:", "file:")):
        facts["version"] = version.strip()
    elif version:
        facts["reads"] = f"setup.cfg: metadata.version is {version.strip()!r}"
    facts["dependencies"] += listed("options", "install_requires")
    facts["testsRequire"] += listed("options", "tests_require")
    if parser.has_section("options.extras_require"):
        for extra in parser.options("options.extras_require"):
            facts["extras"][canonicalize_name(extra)] = listed("options.extras_require", extra)
    facts["scripts"] |= scripts(parser.get("options.entry_points", "console_scripts", fallback=""))
    facts["classifiers"] = parser.get("metadata", "classifiers", fallback="").splitlines()
    requires = parser.get("options", "python_requires", fallback=None)
    if requires:
        facts["requiresPython"] = requires.strip()


# A setup.py that uses one of these may read anything of the tree: a version out of a module, a long description.
READS = {
    "open", "exec", "eval", "execfile", "__import__", "compile", "import_module", "run_path", "run_module", "read_text",
    "read_bytes", "glob", "iglob", "rglob", "listdir", "scandir", "walk", "check_output", "Popen", "system",
}  # fmt: skip
PLAIN_IMPORTS = {
    "setuptools", "distutils", "os", "sys", "platform", "sysconfig", "pathlib", "re", "typing", "__future__", "warnings",
    "shutil", "textwrap", "contextlib", "logging",
}  # fmt: skip


def setup_py(project: Project, facts: dict) -> None:
    text = project.text("setup.py")
    if text is None:
        return
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        # Python 2 only, or broken: the build says more about it than a parser can.
        project.report(Problem("setup.py", f"is not valid Python 3: {error.msg}", error.lineno, error.offset))
        return
    except (RecursionError, ValueError, MemoryError) as error:
        project.report(Problem("setup.py", f"cannot be read: {type(error).__name__}"))
        return
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."]
        for name in names:
            if name.split(".")[0] not in PLAIN_IMPORTS:
                facts.setdefault("reads", f"setup.py imports {name}")
        if isinstance(node, ast.Call):
            called = (
                node.func.id
                if isinstance(node.func, ast.Name)
                else node.func.attr
                if isinstance(node.func, ast.Attribute)
                else ""
            )
            if called in READS:
                facts.setdefault("reads", f"setup.py calls {called}()")
            if called.endswith("Extension") or called == "cythonize":
                facts["extensions"] = True
            if called == "setup":
                setup_call(facts, node)
        if isinstance(node, ast.keyword) and node.arg in ("ext_modules", "cffi_modules", "rust_extensions"):
            facts["extensions"] = True


def setup_call(facts: dict, node: ast.Call) -> None:
    for keyword in node.keywords:
        if keyword.arg in ("use_scm_version", "pbr"):
            facts["versionFrom"] = "pbr" if keyword.arg == "pbr" else "setuptools-scm"
        try:
            value = ast.literal_eval(keyword.value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            if keyword.arg in ("install_requires", "extras_require", None):
                facts["dynamicDependencies"] = True
            continue
        try:
            if keyword.arg == "name" and isinstance(value, str):
                facts["name"] = value
            elif keyword.arg == "version" and isinstance(value, str):
                facts["version"] = value
            elif keyword.arg == "python_requires" and isinstance(value, str):
                facts["requiresPython"] = value
            elif keyword.arg == "classifiers":
                facts["classifiers"] = lines(value)
            elif keyword.arg == "entry_points":
                facts["scripts"] |= scripts(table(value).get("console_scripts"))
            elif keyword.arg == "install_requires":
                facts["dependencies"] += [requirement(item) for item in lines(value)]
            elif keyword.arg == "tests_require":
                facts["testsRequire"] += [requirement(item) for item in lines(value)]
            elif keyword.arg == "extras_require":
                for extra, values in table(value).items():
                    if ":" not in extra:
                        facts["extras"][canonicalize_name(extra)] = [requirement(item) for item in lines(values)]
        except InvalidRequirement:
            facts["dynamicDependencies"] = True


def lines(value: object) -> list[str]:
    if isinstance(value, str):
        value = value.splitlines()
    return (
        [item.strip() for item in value if isinstance(item, str) and item.strip()]
        if isinstance(value, (list, tuple))
        else []
    )


# uv.lock


def scripts(value: object) -> dict[str, str]:
    """`name = module:function`, a line each."""
    pairs = (line.partition("=") for line in lines(value))
    return {
        name.strip(): target.split("[")[0].strip()
        for name, _, target in pairs
        if re.fullmatch(r"[\w.-]+", name.strip()) and SCRIPT.fullmatch(target.split("[")[0].strip())
    }
