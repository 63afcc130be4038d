"""SARIF 2.1.0 of checks, as code scanning takes it: one wrong entry, and a host refuses all of a file."""

import json
import os
import re
from urllib.parse import unquote

BYTES = 10 * 1024 * 1024
LEVELS = ("none", "note", "warning", "error")


def checked(path):
    """The document with nothing in it that a host would stumble over; None where it is no SARIF."""
    name = os.path.basename(path)[: -len(".sarif")]
    try:
        if os.path.islink(path) or os.path.getsize(path) > BYTES:
            return None
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        if document["version"] != "2.1.0":
            return None
        return {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [run(found, name) for found in document["runs"]],
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def run(found, name):
    driver = found["tool"]["driver"]
    rules = [rule for rule in driver.get("rules", []) if isinstance(rule["id"], str)]
    if not isinstance(driver["name"], str):
        raise TypeError("no name")
    index = {rule["id"]: place for place, rule in enumerate(rules)}
    return {
        "tool": {"driver": {**driver, "rules": rules}},
        # One tool can be of several checks, and each of them has its own alerts.
        "automationDetails": {"id": "pyline/%s/" % name},
        "results": [made for made in (result(one, index) for one in found["results"]) if made is not None],
    }


def result(found, index):
    """Without a place in a file there is nowhere to show it: it is in result.json."""
    locations = [place for place in found.get("locations", []) if is_place(place.get("physicalLocation", {}))]
    if not locations or not isinstance(found["message"]["text"], str):
        return None
    made = {**found, "locations": locations}
    if made.get("level") not in LEVELS:
        made["level"] = "warning"
    made.pop("ruleIndex", None)
    if isinstance(made.get("ruleId"), str) and made["ruleId"] in index:
        made["ruleIndex"] = index[made["ruleId"]]
    return made


def is_place(place):
    uri, region = place["artifactLocation"]["uri"], place.get("region", {})
    path = unquote(uri)
    numbers = [region[key] for key in ("startLine", "startColumn", "endLine", "endColumn") if key in region]
    return (
        re.match(r"^[a-z][a-z0-9+.-]*:|^/", path, re.IGNORECASE) is None
        and ".." not in path.split("/")
        and path.isprintable()
        and all(isinstance(number, int) and number >= 1 for number in numbers)
    )
