"""What came of a wheel in a clean environment: try_dist.py wrote it beside the project's own code."""

import json


def check_tried(path, extras_path, sdist, found):
    """Gives the part of the summary about it, and the seconds that it took."""
    if path is None:
        return "", 0
    first, seconds = read(path)
    second, more = read(extras_path) if extras_path else ([], 0)
    better = {(entry["kind"], entry["name"]) for entry in second if entry["status"] == "passed"}
    for entry in first:
        if entry["status"] == "passed":
            continue
        word = {"module": "import", "script": "script"}[entry["kind"]]
        what = "import %s" % entry["name"] if word == "import" else "%s --help" % entry["name"]
        if (entry["kind"], entry["name"]) in better:
            message = "%s works only where the project's extras are installed: %s" % (what, entry["message"])
            found(word, message, about=entry["name"], severity="warning")
            continue
        file, line = source(sdist, entry.get("file")), entry.get("line")
        message = "%s: %s" % (what, entry["message"])
        found(word, message, about=entry["name"], file=file, line=line if file else None)
    passed = [entry["kind"] for entry in first if entry["status"] == "passed"]
    parts = []
    for kind, done in (("module", "imported"), ("script", "answering")):
        count = passed.count(kind)
        if count:
            parts.append("%d %s%s %s" % (count, kind, "" if count == 1 else "s", done))
    return ", ".join(parts), seconds + more


def read(path):
    """The entries that have the right form; a file that has none is an error of ours, and not of the project."""
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    entries = document["entries"]
    if document["schema"] != 1 or not isinstance(entries, list):
        raise ValueError("%s is no result" % path)
    kept = []
    for entry in entries[:1000]:
        if (
            entry.get("kind") in ("module", "script")
            and entry.get("status") in ("passed", "failed", "hung")
            and isinstance(entry.get("name"), str)
            and isinstance(entry.get("message", ""), str)
        ):
            kept.append({"message": "", **entry})
    seconds = document.get("seconds")
    return kept, seconds if isinstance(seconds, (int, float)) and 0 <= seconds < 1e6 else 0


def source(sdist, installed):
    """Where a file below site-packages is in the project, if there is just one place."""
    if not isinstance(installed, str):
        return None
    places = [name for name in sdist.names if ("/" + name).endswith("/" + installed)]
    return min(places, key=len) if places else None
