"""Names of things as they are shown, and as they are linked to."""

import re

from text import line

SAFE = re.compile(r"^\w[\w.-]{0,80}$", re.ASCII)


def project(model):
    return line(str(model.plan.get("name") or "Project"), 120)


def label(run):
    """`Python 3.13` of the run `python-3.13`."""
    text = line(run, 60).replace("-", " ", 1)
    return text[:1].upper() + text[1:]


def check_name(check):
    return line(check["check"], 60)


def slug(check):
    return re.sub(r"[^\w.-]", "_", check_name(check), flags=re.ASCII)


def is_telling(check):
    """Whether it says more than its line in the graph."""
    return bool(check["findings"] or check.get("detail"))
