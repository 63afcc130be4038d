"""What came of it, for ci/src/delivery: {"schema": 1, "ok": true, …} or {"schema": 1, "ok": false, "kind": …, "code": …}."""

import json
import os

from delivery.errors import DeliveryError, RegistryTrouble
from registry.errors import RegistryError


def good(**values):
    return {"schema": 1, "ok": True, **values}


def bad(error, **values):
    """Of a DeliveryError or a RegistryError."""
    if isinstance(error, RegistryError):
        error = RegistryTrouble(error)
    assert isinstance(error, DeliveryError)
    registry = {"registry": error.registry_kind} if isinstance(error, RegistryTrouble) else {}
    return {
        "schema": 1,
        "ok": False,
        "kind": error.kind,
        "code": error.code,
        "message": plain(str(error)),
        "detail": [plain(line) for line in error.detail],
        **registry,
        **values,
    }


def plain(text):
    """Without what a terminal would obey: logs and answers are whatever somebody else wrote."""
    return "".join(char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text)[:2000]


def write(path, result):
    """Whole or not at all."""
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(f"{path}.part", path)
