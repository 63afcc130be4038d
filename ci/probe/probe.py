"""Read the manifests of a Python project and tell what they say, as one JSON document of facts.

    python probe.py DIRECTORY [--python 3.9,3.10,…] [--output FILE]

Nothing of the project is imported or run. Files are read with Python's own parsers, within bounds of size, number and
time, and never through a link out of the directory. What cannot be read becomes an entry of "errors", never a crash: the
exit status is 0 whenever there is a document. ci/src/project/facts.ts describes the document.
"""

from __future__ import annotations

import argparse
import ast
import configparser
import json
import os
import posixpath
import re
import signal
import stat
import sys
import tomllib

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

SECONDS = 20
MANIFEST_BYTES = 2_000_000
LOCK_BYTES = 50_000_000
FILES = 2_000
DEPTH = 12

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
MANIFESTS = (
    *LOCKS,
    "pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "requirements.txt", "tox.ini", "noxfile.py", "pytest.ini",
    ".pytest.ini", "pytest.toml", ".pytest.toml", ".python-version", "uv.toml", "hatch.toml", "environment.yml",
    "environment.yaml", "conda.yml", "manage.py", "PKG-INFO", "pyline.toml",
)  # fmt: skip


class Problem(Exception):
    """Something about one file that the user has to change."""

    def __init__(self, file: str, message: str, line: int | None = None, column: int | None = None):
        super().__init__(message)
        self.fact = {"file": file, "message": message}
        if line is not None:
            self.fact["line"] = line
            if column is not None:
                self.fact["column"] = column


class TimeIsUp(BaseException):
    """Raised by the alarm. Not an Exception, so that no handler on the way takes it for a parser's error."""


class Project:
    """The files of the directory, read at most once and only within bounds."""

    def __init__(self, root: str):
        self.root = os.path.realpath(root)
        self.errors: list[dict] = []
        self.missing: list[dict] = []
        self.texts: dict[str, str | None] = {}

    def report(self, problem: Problem) -> None:
        if len(self.errors) < 50 and problem.fact not in self.errors:
            self.errors.append(problem.fact)

    def exists(self, path: str) -> bool:
        return os.path.lexists(os.path.join(self.root, path))

    def text(self, path: str) -> str | None:
        """The text of a file; None, and an error, where it cannot be had."""
        if path not in self.texts:
            try:
                self.texts[path] = self._read(path)
            except Problem as problem:
                self.report(problem)
                self.texts[path] = None
        return self.texts[path]

    def _read(self, path: str) -> str:
        if len(self.texts) > FILES:
            raise Problem(path, f"more than {FILES} manifests")
        real = os.path.realpath(os.path.join(self.root, path))
        if os.path.commonpath([real, self.root]) != self.root:
            raise Problem(path, "is a link to a file outside of the project")
        limit = LOCK_BYTES if path.endswith(".lock") else MANIFEST_BYTES
        try:
            # Not blocking: opening a named pipe would otherwise wait for a writer for ever.
            with open(os.open(real, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise Problem(path, "is not a regular file")
                if status.st_size > limit:
                    raise Problem(path, f"is larger than {limit // 1_000_000} MB")
                data = file.read(limit + 1)
        except OSError as error:
            raise Problem(path, f"cannot be read: {error.strerror}") from error
        # Windows editors and PowerShell redirections leave byte order marks; pip and uv read both kinds.
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            try:
                return data.decode("utf-16")
            except UnicodeDecodeError as error:
                raise Problem(path, "is neither UTF-8 nor UTF-16 text") from error
        data = data.removeprefix(b"\xef\xbb\xbf")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
            raise Problem(path, f"is not UTF-8 text: byte 0x{data[error.start]:02x}", line, column) from error

    def toml(self, path: str) -> dict | None:
        text = self.text(path)
        if text is None:
            return None
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            match = re.search(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error), re.DOTALL)
            if match is None:
                self.report(Problem(path, f"is not valid TOML: {error}"))
            elif match[2] is None:
                last = text.rstrip("\n").count("\n") + 1
                self.report(Problem(path, f"is not valid TOML: {match[1]} at the end of the file", last))
            else:
                self.report(Problem(path, f"is not valid TOML: {match[1]}", int(match[2]), int(match[3])))
        except (RecursionError, ValueError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            self.report(Problem(path, f"is not valid TOML: {reason}"))
        return None

    def ini(self, path: str) -> configparser.RawConfigParser | None:
        text = self.text(path)
        if text is None:
            return None
        # setuptools is as lenient, and tools' own sections often repeat an option.
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(text, path)
        except configparser.Error as error:
            line = getattr(error, "lineno", None) or next((n for n, _ in getattr(error, "errors", [])), None)
            message = "has no section header" if isinstance(error, configparser.MissingSectionHeaderError) else "is not valid INI"
            self.report(Problem(path, message, line))
            return None
        return parser


def line_of(text: str, pattern: str) -> int | None:
    """The line where a pattern stands: tomllib does not say where a value came from."""
    match = re.search(pattern, text, re.MULTILINE)
    return None if match is None else text.count("\n", 0, match.start()) + 1


def strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def table(value: object) -> dict:
    return value if isinstance(value, dict) else {}


# Requirements


def requirement(text: str) -> dict:
    """A PEP 508 requirement as a fact. Raises InvalidRequirement."""
    parsed = Requirement(text)
    fact: dict = {"name": canonicalize_name(parsed.name), "text": text.strip()}
    if parsed.extras:
        fact["extras"] = sorted(parsed.extras)
    if parsed.url is not None:
        fact["url"] = True
        note_vcs(fact, parsed.url)
    return fact


def note_vcs(fact: dict, url: str) -> None:
    vcs = re.match(r"(git|hg|svn|bzr)\+", url)
    if vcs is not None:
        fact["vcs"] = vcs[1]


def requirement_list(project: Project, file: str, where: str, values: object) -> list[dict]:
    facts = []
    if not isinstance(values, list):
        if values is not None:
            project.report(Problem(file, f"{where} must be a list of requirements", key_line(project, file, where)))
        return facts
    for value in values:
        if not isinstance(value, str):
            project.report(Problem(file, f"{where} must hold strings only", key_line(project, file, where)))
            continue
        try:
            facts.append(requirement(value))
        except InvalidRequirement as error:
            reason = str(error).split("\n")[0]
            quoted = re.escape(value).replace(r"\"", r"\\?\"")
            line = line_of(project.text(file) or "", rf"[\"']{quoted}[\"']")
            project.report(Problem(file, f"{where}: {value!r} is not a requirement: {reason}", line))
    return facts


def key_line(project: Project, file: str, where: str) -> int | None:
    key = where.rsplit(".", 1)[-1]
    return line_of(project.text(file) or "", rf"^\s*[\"']?{re.escape(key)}[\"']?\s*=")


# Options of a requirements file which uv understands; others are pip's own affair and change no dependency.
VALUE_OPTIONS = {
    "-i": "--index-url", "--index-url": "--index-url", "--extra-index-url": "--extra-index-url",
    "-f": "--find-links", "--find-links": "--find-links", "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
}  # fmt: skip
FLAG_OPTIONS = {"--no-index": ["--no-index"], "--pre": ["--prerelease", "allow"], "--require-hashes": ["--require-hashes"]}
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
    facts: dict = {"path": path, "requirements": [], "locals": [], "includes": [], "constraints": [], "options": []}
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
            facts["includes" if option in ("-r", "--requirement") else "constraints"].append({"path": target, "line": number})
        elif option in ("-e", "--editable"):
            local_or_url(facts, path, number, value, editable=True)
        elif option in VALUE_OPTIONS:
            facts["options"].append([VALUE_OPTIONS[option], value])
        elif option in FLAG_OPTIONS:
            facts["options"].append(FLAG_OPTIONS[option])
        elif option not in IGNORED_OPTIONS:
            raise Problem(path, f"{option} is not an option of a requirements file", number)
        return
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
    build_inputs(project, facts, table(metadata), tool)
    uv = tool.get("uv")
    if isinstance(uv, dict):
        facts["uv"] = {"workspace": "workspace" in uv}
        if isinstance(uv.get("package"), bool):
            facts["uv"]["package"] = uv["package"]
        if isinstance(uv.get("default-groups"), list):
            facts["uv"]["defaultGroups"] = strings(uv["default-groups"])
        if "dev-dependencies" in uv and "dev" not in facts["groups"]:
            facts["groups"]["dev"] = requirement_list(project, file, "tool.uv.dev-dependencies", uv["dev-dependencies"])
    return facts


def pyline_settings(project: Project, document: dict) -> dict | None:
    """Our own settings: [tool.pyline] of pyproject.toml, or the top level of pyline.toml."""
    settings = table(document.get("tool")).get("pyline")
    file = "pyproject.toml"
    if project.exists("pyline.toml"):
        own = project.toml("pyline.toml")
        if own is not None and settings is not None:
            project.report(Problem("pyline.toml", "pyproject.toml has [tool.pyline] too: keep one of them"))
        settings, file = own, "pyline.toml"
    if settings is None:
        return None
    if not isinstance(settings, dict):
        project.report(Problem(file, "tool.pyline must be a table", key_line(project, file, "pyline")))
        return None
    facts: dict = {"file": file}
    for key, value in settings.items():
        line = key_line(project, file, key)
        if key not in SETTINGS:
            project.report(Problem(file, f"Pyline has no setting {key!r}; it has {', '.join(sorted(SETTINGS))}", line))
        elif not isinstance(value, SETTINGS[key]) or (isinstance(value, list) and strings(value) != value):
            kind = "a list of strings" if SETTINGS[key] is list else "a string"
            project.report(Problem(file, f"{key} must be {kind}", line))
        elif key == "apt" and not all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name) for name in value):
            project.report(Problem(file, "apt must be a list of names of Debian packages", line))
        else:
            facts[{"package-manager": "packageManager"}.get(key, key)] = value
    return facts


SETTINGS = {"package-manager": str, "python": str, "groups": list, "extras": list, "runner": str, "apt": list}


def project_facts(project: Project, metadata: dict) -> dict:
    file = "pyproject.toml"
    text = project.text(file) or ""
    facts: dict = {
        "dynamic": strings(metadata.get("dynamic")),
        "dependencies": requirement_list(project, file, "project.dependencies", metadata.get("dependencies")),
        "extras": {},
    }
    name = metadata.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"(?i)[a-z0-9]([a-z0-9._-]*[a-z0-9])?", name):
        problem = "[project] has no name" if name is None else f"project.name {name!r} is not a valid name"
        project.report(Problem(file, problem, line_of(text, r"^\s*name\s*=" if name is not None else r"^\s*\[project\]")))
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
                raise Problem(file, f"dependency-groups.{name} holds something that is neither a requirement nor an include-group", line)
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
                project.missing.append({"path": path, "file": "pyproject.toml", "line": key_line(project, "pyproject.toml", where) or 1})
                continue
            for fact in follow_requirements(project, [path]):
                found += [{k: v for k, v in entry.items() if k not in ("line", "hashes")} for entry in fact["requirements"]]
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
    elif pdm_version.get("source") == "call":
        hooks.add("tool.pdm.version.source = call")
    pdm_build = table(pdm.get("build"))
    hooks.update(f"tool.pdm.build.{key}" for key in ("custom-hook", "run-setuptools", "setup-script") if key in pdm_build)
    if table(table(tool.get("poetry")).get("build")):
        hooks.add("tool.poetry.build")
    if isinstance(table(tool.get("poetry")).get("build"), str):
        hooks.add("tool.poetry.build")
    for name in strings([table(tool.get("poetry")).get("readme")]) + strings(table(tool.get("poetry")).get("readme")):
        read(name)
    if "versioneer" in tool:
        hooks.add("tool.versioneer")
    facts["buildReads"] = sorted(reads)
    facts["buildHooks"] = sorted(hooks)


# setup.py and setup.cfg


def setup_facts(project: Project) -> dict | None:
    facts: dict = {
        "files": [], "dependencies": [], "extras": {}, "testsRequire": [], "dynamicDependencies": False,
        "extensions": False, "configOnly": True,
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
                    project.report(Problem("setup.cfg", f"{section}.{option}: {line!r} is not a requirement: {reason}", number))
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
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
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
    return [item.strip() for item in value if isinstance(item, str) and item.strip()] if isinstance(value, (list, tuple)) else []


# uv.lock


def uv_lock_facts(project: Project, pyproject: dict) -> dict | None:
    lock = project.toml("uv.lock")
    if lock is None:
        return None
    packages = [entry for entry in lock.get("package", []) if isinstance(entry, dict)] if isinstance(lock.get("package"), list) else []
    members = []
    for entry in packages:
        source = table(entry.get("source"))
        for kind in ("editable", "virtual", "directory"):
            path = source.get(kind)
            if isinstance(path, str) and isinstance(entry.get("name"), str):
                members.append({"name": entry["name"], "path": posixpath.normpath(path), "kind": kind})
    documents = {"uv.lock": neutral_lock(project.text("uv.lock") or "", lock, members)}
    versions = {entry["name"]: entry.get("version") for entry in packages if isinstance(entry.get("name"), str)}
    for member in members:
        path = posixpath.normpath(posixpath.join(member["path"], "pyproject.toml"))
        if path.startswith("../"):
            project.report(Problem("uv.lock", f"{member['name']} is at {member['path']}, outside of the project"))
            continue
        if not project.exists(path):
            if member["path"] == ".":
                continue
            project.missing.append({"path": path, "file": "uv.lock", "line": line_of(project.text("uv.lock") or "", rf'^name = "{re.escape(member["name"])}"') or 1})
            continue
        document = pyproject if path == "pyproject.toml" else project.toml(path)
        if document is not None:
            documents[path] = neutral_pyproject(document, locked=versions.get(member["name"]) is not None)
    if "pyproject.toml" not in documents:
        documents["pyproject.toml"] = neutral_pyproject(pyproject, locked=False)
    return {"documents": documents, "members": members, "packages": len(packages)}


NEUTRAL_VERSION = "0.0.0"


def neutral_lock(text: str, lock: dict, members: list[dict]) -> str:
    """The lock with the versions of the project's own packages put out, which change with every release of it."""
    names = {member["name"] for member in members}

    def put_out(block: re.Match) -> str:
        return re.sub(r'^version = ".*"$', f'version = "{NEUTRAL_VERSION}"', block[0], count=1, flags=re.MULTILINE) if block[1] in names else block[0]

    neutral = re.sub(r'^\[\[package\]\]\nname = "([^"]+)"\n(?:.+\n)*', put_out, text.replace("\r\n", "\n"), flags=re.MULTILINE)
    expected = dict(lock)
    expected["package"] = [
        {**entry, "version": NEUTRAL_VERSION} if entry.get("name") in names and "version" in entry else entry
        for entry in lock.get("package", [])
    ]
    try:
        same = tomllib.loads(neutral) == expected
    except tomllib.TOMLDecodeError:
        same = False
    # A lock that is not laid out as uv does it, edited by hand perhaps, is taken as it is.
    return neutral if same else text


def neutral_pyproject(document: dict, *, locked: bool) -> str:
    """The part of a pyproject.toml that decides what is installed, in one fixed spelling."""
    metadata = table(document.get("project"))
    kept = {key: metadata[key] for key in ("name", "requires-python", "dependencies", "optional-dependencies") if key in metadata}
    dynamic = [name for name in ("dependencies", "optional-dependencies") if name in strings(metadata.get("dynamic"))]
    if locked or "version" in metadata:
        kept["version"] = NEUTRAL_VERSION
    else:
        dynamic.append("version")
    if dynamic:
        kept["dynamic"] = dynamic
    out: dict = {"project": kept} if metadata else {}
    for key in ("build-system", "dependency-groups"):
        if isinstance(document.get(key), dict):
            out[key] = document[key]
    uv = table(document.get("tool")).get("uv")
    if isinstance(uv, dict):
        out["tool"] = {"uv": uv}
    return toml_text(out)


def toml_text(document: dict) -> str:
    out = []
    for key, value in document.items():
        if key == "tool":
            for name, settings in value.items():
                out.append(f"[tool.{toml_key(name)}]")
                out += [f"{toml_key(k)} = {toml_value(v)}" for k, v in settings.items()]
        else:
            out.append(f"[{toml_key(key)}]")
            out += [f"{toml_key(k)} = {toml_value(v)}" for k, v in value.items()]
    return "\n".join(out) + "\n"


def toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_string(key)


def toml_string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return toml_string(value)
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_key(k)} = {toml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (int, float)):
        return str(value)
    return value.isoformat()  # type: ignore[attr-defined]  # dates and times are all that is left in TOML


# Python version


def specifier_constraint(file: str, line: int | None, rule: str, value: str, supported: list[str]) -> dict:
    fact: dict = {"file": file, "rule": rule, "value": value}
    if line is not None:
        fact["line"] = line
    try:
        specifiers = SpecifierSet(value)
    except InvalidSpecifier:
        return fact
    # The last patch release is what an image of a minor version has: <=3.12 leaves 3.12.4 out, as pip has it.
    fact["allowed"] = [minor for minor in supported if specifiers.contains(f"{minor}.99", prereleases=True)]
    if not fact["allowed"]:
        # An exact patch, ==3.11.4, means its minor.
        exact = re.fullmatch(r"\s*={2,3}\s*(\d+\.\d+)(\.\d+)?\s*", value)
        fact["allowed"] = [minor for minor in supported if exact is not None and minor == exact[1]]
    return fact


def python_version_file(project: Project, supported: list[str]) -> dict | None:
    text = project.text(".python-version")
    if text is None:
        return None
    for number, line in enumerate(text.splitlines(), 1):
        value = line.split("#")[0].strip()
        if not value:
            continue
        fact: dict = {"file": ".python-version", "line": number, "rule": "names", "value": value}
        match = re.fullmatch(r"(?:cpython-?|python-?|py)?v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-[\w.-]+)?", value)
        if match is not None and match[2] is not None:
            fact["minor"] = f"{match[1]}.{match[2]}"
            fact["allowed"] = [fact["minor"]] if fact["minor"] in supported else []
        elif match is not None and match[1] == "3":
            fact["allowed"] = list(supported)
        return fact
    project.report(Problem(".python-version", "names no version", 1))
    return None


def python_facts(project: Project, document: dict, setup: dict | None, settings: dict | None, supported: list[str]) -> list[dict]:
    facts = []
    if project.exists(".python-version"):
        fact = python_version_file(project, supported)
        if fact is not None:
            facts.append(fact)
    requires = table(document.get("project")).get("requires-python")
    if isinstance(requires, str):
        line = line_of(project.text("pyproject.toml") or "", r"^\s*requires-python\s*=")
        facts.append(specifier_constraint("pyproject.toml", line, "requires-python", requires, supported))
    elif setup is not None and "requiresPython" in setup:
        file = setup["files"][-1] if "requiresPython" in setup and len(setup["files"]) == 1 else "setup.cfg"
        for name in setup["files"]:
            line = line_of(project.text(name) or "", r"python_requires\s*=")
            if line is not None:
                file = name
                break
        else:
            line = None
        facts.append(specifier_constraint(file, line, "python_requires", setup["requiresPython"], supported))
    if settings is not None and "python" in settings:
        fact = {"file": settings["file"], "rule": "the python setting", "value": settings["python"]}
        line = key_line(project, settings["file"], "python")
        if line is not None:
            fact["line"] = line
        match = re.fullmatch(r"(\d+\.\d+)(\.\d+)?", settings["python"].strip())
        if match is not None:
            fact["minor"] = match[1]
            fact["allowed"] = [match[1]] if match[1] in supported else []
        facts.append(fact)
    return facts


# Test runner


def test_config(project: Project, document: dict) -> list[dict]:
    facts = []

    def found(file: str, section: str) -> None:
        facts.append({"file": file, "section": section, "runner": "pytest"})

    for file in ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"):
        if project.exists(file):
            found(file, "")
    if "pytest" in table(document.get("tool")):
        found("pyproject.toml", "tool.pytest")
    for file, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        if project.exists(file):
            parser = project.ini(file)
            if parser is not None and parser.has_section(section):
                found(file, section)
    return facts


# The whole


def manifests(project: Project) -> list[str]:
    """The manifests at the root and in the directories where requirements files are kept."""
    found = []
    for directory in ("", "requirements", "tests", "test"):
        try:
            names = sorted(os.listdir(os.path.join(project.root, directory)))[:FILES]
        except OSError:
            continue
        for name in names:
            path = posixpath.join(directory, name)
            listed = re.search(r"require", name, re.IGNORECASE) or directory == "requirements"
            if (not directory and (name in MANIFESTS or re.fullmatch(r"pylock(\.[^.]+)?\.toml", name))) or (
                listed and name.endswith((".txt", ".in"))
            ):
                found.append(path)
    return found


def facts_of(root: str, supported: list[str]) -> dict:
    project = Project(root)
    facts: dict = {"schema": 1, "files": [], "errors": project.errors, "missing": project.missing, "requirements": [], "python": [], "testConfig": []}
    signal.signal(signal.SIGALRM, time_is_up)
    signal.alarm(SECONDS)
    try:
        facts["files"] = manifests(project)
        document: dict = {}
        if project.exists("pyproject.toml"):
            document = project.toml("pyproject.toml") or {}
            if project.text("pyproject.toml") is not None and not project.errors:
                facts["pyproject"] = pyproject_facts(project, document)
        setup = setup_facts(project)
        if setup is not None:
            facts["setup"] = setup
        facts["requirements"] = follow_requirements(project, [file for file in facts["files"] if file.endswith((".txt", ".in"))])
        if "uv.lock" in facts["files"]:
            lock = uv_lock_facts(project, document)
            if lock is not None:
                facts["uvLock"] = lock
        settings = pyline_settings(project, document)
        if settings is not None:
            facts["settings"] = settings
        facts["python"] = python_facts(project, document, setup, settings, supported)
        facts["testConfig"] = test_config(project, document)
        if project.exists("PKG-INFO"):
            match = re.search(r"^Version: (\S+)$", project.text("PKG-INFO") or "", re.MULTILINE)
            if match is not None:
                facts["sdistVersion"] = match[1]
    except TimeIsUp:
        project.report(Problem(".", f"the manifests could not be read within {SECONDS} seconds"))
    finally:
        signal.alarm(0)
    return facts


def time_is_up(_signal: int, _frame: object) -> None:
    raise TimeIsUp


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--python", default="")
    parser.add_argument("--output", default="-")
    arguments = parser.parse_args()
    supported = [version for version in arguments.python.split(",") if version]
    facts = facts_of(arguments.directory, supported)
    # Plain ASCII, so that no surrogate or locale can break the output.
    text = json.dumps(facts, separators=(",", ":")) + "\n"
    if arguments.output == "-":
        sys.stdout.write(text)
    else:
        with open(arguments.output, "w", encoding="ascii") as file:
            file.write(text)
        print(f"{len(facts['files'])} manifests read")
    return 0


if __name__ == "__main__":
    sys.exit(main())
