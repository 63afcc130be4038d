"""Reports of the tests that tox or nox run, each in an environment of its own."""

import os
import shutil
from xml.etree import ElementTree
from xml.parsers import expat

from pyline_suite.junit import JUnit

FILES = 200
# What the project's own builds and tests are told beside what tox lets through.
PASSED = ("PYTEST_ADDOPTS", "SETUPTOOLS_SCM_*", "PBR_VERSION", "PDM_BUILD_*", "POETRY_DYNAMIC_VERSIONING_*", "HATCH_*", "CI")


def report_through_environment(environment, reports):
    """Have pytest write its report wherever the project's own environments start it; the folder of these reports."""
    parts = os.path.join(reports, "junit", ".sessions")
    # pytest fills in variables of its own environment: tox or nox name there what they are running.
    path = os.path.join(parts, "$TOX_ENV_NAME$NOX_CURRENT_SESSION", "junit.xml")
    ours = "--junitxml=%s -o junit_family=xunit1" % path
    environment["PYTEST_ADDOPTS"] = (environment.get("PYTEST_ADDOPTS", "") + " " + ours).strip()
    names = ",".join(PASSED)
    environment["TOX_OVERRIDE"] = "testenv.pass_env+=%s;pkgenv.pass_env+=%s" % (names, names)
    return parts


def gather(parts, junit):
    """Make one report of those of all sessions, as they were written."""
    found = []
    for directory, _, names in os.walk(parts):
        found += [os.path.join(directory, name) for name in names if name.endswith(".xml")]
    found = [path for path in sorted(found)[:FILES] if readable(path)]
    if len(found) == 1:
        os.replace(found[0], junit)
    elif found:
        combined = ElementTree.Element("testsuites")
        for path in found:
            session = variable_free(os.path.relpath(os.path.dirname(path), parts))
            root = ElementTree.parse(path).getroot()
            for suite in [root] if root.tag == "testsuite" else list(root):
                suite.set("name", session)
                combined.append(suite)
        ElementTree.ElementTree(combined).write(junit, encoding="utf-8", xml_declaration=True)
    shutil.rmtree(parts, ignore_errors=True)


def variable_free(name):
    """pytest leaves a variable as it is that has no value."""
    return name.replace("$TOX_ENV_NAME", "").replace("$NOX_CURRENT_SESSION", "") or "session"


def readable(path):
    """Whether it is a report, without a document type: these are where XML bombs are defined."""
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    try:
        JUnit().read(path)
    except (OSError, ValueError, expat.ExpatError):
        return False
    return True
