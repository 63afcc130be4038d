"""The targets by their names. A module is loaded when it is asked for, so that one does not need what another needs."""

import importlib

from delivery.errors import Request

# target = "…" of the settings: module and class.
_TARGETS = {
    "command": ("command", "Command"),
    "compose": ("compose", "Compose"),
    "docker": ("docker", "Docker"),
    "kubernetes": ("kubernetes", "Kubernetes"),
}


def make(environment, access, say=print):
    """The Target of an environment of the plan."""
    name = environment["target"]
    if name not in _TARGETS:
        raise Request(f"{name!r} is not a target: {', '.join(_TARGETS)}")
    module, kind = _TARGETS[name]
    return getattr(importlib.import_module(f"delivery.targets.{module}"), kind)(environment, access, say)
