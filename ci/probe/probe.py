"""Read the manifests of a Python project and tell what they say, as one JSON document of facts.

    python probe.py DIRECTORY [--python 3.9,3.10,…] [--output FILE]

Nothing of the project is imported or run. Files are read with Python's own parsers, within bounds of size, number and
time, and never through a link out of the directory. What cannot be read becomes an entry of "errors", never a crash: the
exit status is 0 whenever there is a document. ci/src/project/facts.ts describes the document.
"""

from __future__ import annotations

import argparse
import json
import os
import posixpath
import re
import signal
import sys

from facts.coverage import coverage_facts, pytest_options
from facts.environments import environment_facts, session_facts
from facts.checks import check_facts
from facts.git_tags import git_facts
from facts.indexes import index_facts
from facts.nested import nested_projects
from facts.pdm_lock import pdm_lock_facts
from facts.pipfile import pipfile_lock_facts
from facts.poetry_lock import poetry_facts, poetry_lock_facts
from facts.pylock import pylock_facts
from facts.pyproject import pyproject_facts
from facts.python_version import classifiers, python_facts
from facts.reader import FILES, Problem, Project
from facts.requirements_files import follow_requirements
from facts.scripts import script_facts
from facts.settings import pyline_settings
from facts.setuptools_files import setup_facts
from facts.test_config import test_config
from facts.uv_lock import uv_lock_facts

SECONDS = 20

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
MANIFESTS = (
    *LOCKS,
    "pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "requirements.txt", "tox.ini", "tox.toml", "noxfile.py", "pytest.ini",
    ".pytest.ini", "pytest.toml", ".pytest.toml", ".python-version", "uv.toml", "hatch.toml", "environment.yml",
    "environment.yaml", "conda.yml", "pixi.toml", "manage.py", "PKG-INFO", "pyline.toml", ".tool-versions", "runtime.txt",
)  # fmt: skip


class TimeIsUp(BaseException):
    """Raised by the alarm. Not an Exception, so that no handler on the way takes it for a parser's error."""


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
    facts: dict = {
        "schema": 1,
        "files": [],
        "errors": project.errors,
        "missing": project.missing,
        "requirements": [],
        "locks": [],
        "environments": [],
        "scripts": [],
        "python": [],
        "testConfig": [],
    }
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
        facts["environments"] = environment_facts(project, document)
        sessions = session_facts(project, document)
        if sessions:
            facts["sessions"] = sessions
        lists = [file for file in facts["files"] if file.endswith((".txt", ".in")) and file != "runtime.txt"]
        facts["requirements"] = follow_requirements(project, lists + included(project, facts["environments"]))
        if "uv.lock" in facts["files"]:
            lock = uv_lock_facts(project, document)
            if lock is not None:
                facts["uvLock"] = lock
        poetry = poetry_facts(document)
        if poetry is not None:
            facts["poetry"] = poetry
        indexes = index_facts(project, document, facts["requirements"])
        if indexes:
            facts["indexes"] = indexes
        facts["locks"] = lock_facts(project, facts["files"], document, facts.get("pyproject"))
        if not facts["files"] or facts["files"] == ["pyline.toml"]:
            facts["scripts"] = script_facts(project)
        nested = nested_projects(project) if not describes_root(facts) else []
        if nested:
            facts["nested"] = nested
        settings = pyline_settings(project, document)
        if settings is not None:
            facts["settings"] = settings
        facts["python"] = python_facts(project, document, setup, settings, facts["scripts"], supported)
        facts["classifiers"] = classifiers(document, setup)
        facts["testConfig"] = test_config(project, document)
        addopts = pytest_options(project, document)
        if addopts is not None:
            facts["addopts"] = addopts
        coverage = coverage_facts(project, document, addopts["words"] if addopts is not None else [])
        if coverage is not None:
            facts["coverage"] = coverage
        checks = check_facts(project, document, facts["requirements"])
        if checks is not None:
            facts["checks"] = checks
        git = git_facts(project, document)
        if git is not None:
            facts["git"] = git
        if project.exists("PKG-INFO"):
            match = re.search(r"^Version: (\S+)$", project.text("PKG-INFO") or "", re.MULTILINE)
            if match is not None:
                facts["sdistVersion"] = match[1]
    except TimeIsUp:
        project.report(Problem(".", f"the manifests could not be read within {SECONDS} seconds"))
    finally:
        signal.alarm(0)
    return facts


def describes_root(facts: dict) -> bool:
    """Whether anything at the root says what is to be installed."""
    pyproject, setup = facts.get("pyproject", {}), facts.get("setup", {"configOnly": True})
    return bool(
        facts["requirements"] or facts["locks"] or facts["environments"] or "uvLock" in facts or "poetry" in facts
        or "project" in pyproject or pyproject.get("groups") or not setup["configOnly"] or "Pipfile" in facts["files"]
    )  # fmt: skip


def included(project: Project, environments: list[dict]) -> list[str]:
    """Requirements files of environments; one that is not there matters only where the environment is used."""
    found = []
    for environment in environments:
        for path in (include["path"] for include in environment["includes"]):
            if project.exists(path):
                found.append(path)
            else:
                project.missing.append({"path": path, "file": environment["file"], "line": 1, "optional": True})
    return found


def lock_facts(project: Project, files: list[str], document: dict, pyproject: dict | None) -> list[dict]:
    """The locks other than uv's."""
    found = []
    for file in files:
        fact = None
        if file == "poetry.lock":
            fact = poetry_lock_facts(project, document)
        elif file == "pdm.lock":
            fact = pdm_lock_facts(project, document)
        elif file == "Pipfile.lock":
            fact = pipfile_lock_facts(project)
        elif file.startswith("pylock"):
            fact = pylock_facts(project, file, pyproject)
        if fact is not None:
            found.append(fact)
    return found


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
