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
        "message": str(error),
        "detail": error.detail,
        **registry,
        **values,
    }


def write(path, result):
    """Whole or not at all."""
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(f"{path}.part", path)
