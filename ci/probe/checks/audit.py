"""Ask a vulnerability service about the distributions that are installed.

    python audit.py --reports DIRECTORY --resolved FILE [--manifest FILE --as PATH] [--ignore FILE] [--service URL]

DIRECTORY gets the whole answer as audit.json too. --resolved is what `uv pip list --format freeze` says, and --ignore the settings as JSON. uv asks the service, in the format of
OSV, and gives its answer as JSON; what uv is asked about is a lock made here of exactly these distributions, so that it says
the same of every package manager's. A service that does not answer is an errored check, never a good one.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile

from result import Result

ADVERSE = {"quarantined": "error"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", required=True)
    parser.add_argument("--resolved", required=True)
    parser.add_argument("--manifest")
    parser.add_argument("--as", dest="path")
    parser.add_argument("--ignore")
    parser.add_argument("--service")
    options = parser.parse_args()
    result = Result("audit")
    audit(result, options)
    return result.end(options.reports)


def audit(result, options):
    with open(options.resolved, encoding="utf-8") as file:
        lines = [line.strip().partition("==") for line in file]
    resolved = {normal(name): version for name, _, version in lines if version}
    if not resolved:
        result.outcome, result.summary = "skipped", "nothing is installed"
        return
    ignored = read(options.ignore) if options.ignore else []
    status, output, log = ask(resolved, options.service)
    service = options.service or "https://api.osv.dev"
    try:
        answer = json.loads(output) if status in (0, 1) else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        result.errored("%s gave no answer" % service, log)
        return
    os.makedirs(options.reports, exist_ok=True)
    with open(os.path.join(options.reports, "audit.json"), "w", encoding="utf-8") as file:
        file.write(output)
    looked = answer["summary"]["audited_packages"]
    if looked != len(resolved):
        result.errored("%d of %d distributions were looked at" % (looked, len(resolved)), log)
        return
    lines = lines_of(options.manifest, options.path)
    place = {normal(name): (options.path, lines.get(normal(name))) for name in resolved}
    found = vulnerabilities(result, answer["vulnerabilities"], ignored, place)
    statuses(result, answer["adverse_statuses"], place)
    red = result.count()
    count = "%d distribution%s" % (len(resolved), "" if len(resolved) == 1 else "s")
    if red:
        result.outcome, result.summary = "failed", "%d known vulnerabilit%s in %s" % (red, "y" if red == 1 else "ies", count)
    else:
        rest = ", %d ignored" % found if found else ""
        result.outcome, result.summary = "passed", "no known vulnerabilities in %s%s" % (count, rest)


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def ask(resolved, service):
    """(exit status, what it found as JSON, what it said)."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in (("pyproject.toml", project(resolved)), ("uv.lock", lock(resolved))):
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(text)
        command = ["uv", "audit", "--frozen", "--no-progress", "--output-format", "json"]
        command += ["--preview-features", "audit-command,json-output"]
        command += ["--service-url", service] if service else []
        run = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return run.returncode, run.stdout.decode("utf-8", "replace"), run.stderr.decode("utf-8", "replace")


def project(resolved):
    names = ", ".join('"%s"' % name for name in resolved)
    return '[project]\nname = "%s"\nversion = "0"\nrequires-python = ">=3.8"\ndependencies = [%s]\n' % (own(resolved), names)


def lock(resolved):
    entries = ", ".join('{ name = "%s" }' % name for name in resolved)
    text = 'version = 1\nrevision = 3\nrequires-python = ">=3.8"\n\n[[package]]\nname = "%s"\nversion = "0"\n' % own(resolved)
    text += 'source = { virtual = "." }\ndependencies = [%s]\n' % entries
    for name, version in resolved.items():
        text += '\n[[package]]\nname = "%s"\nversion = "%s"\n' % (name, version)
        text += 'source = { registry = "https://pypi.org/simple" }\n'
    return text


def own(resolved):
    """A name for the project that no distribution has."""
    name = "audited"
    while name in resolved:
        name += "-x"
    return name


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


# How a distribution begins a line.
LINES = (
    (re.compile(r"(^|/)Pipfile\.lock$"), re.compile(r'^\s+"([\w.-]+)": \{')),
    (re.compile(r"\.lock$|(^|/)pylock[^/]*$"), re.compile(r'^name = "([\w.-]+)"')),
    (re.compile(r"\.toml$"), re.compile(r"""^\s*["']?([A-Za-z0-9][\w.-]*)\s*[\[=<>!~;@ ,"']""")),
    (re.compile(r""), re.compile(r"^([A-Za-z0-9][\w.-]*)\s*(?:[\[=<>!~;@]|$)")),
)


def lines_of(path, manifest):
    """Where each distribution stands in a lock or a list of requirements."""
    found = {}
    if path is None:
        return found
    pattern = next(pattern for name, pattern in LINES if name.search(manifest))
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            match = pattern.match(line)
            if match is not None:
                found.setdefault(normal(match[1]), number)
    return found


def vulnerabilities(result, entries, ignored, place):
    """Gives how many are ignored."""
    used, count = set(), 0
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    for entry in entries:
        name, version = entry["dependency"]["name"], entry["dependency"]["version"]
        names = {entry["id"], entry["display_id"], *entry["aliases"]}
        text = "%s %s has %s" % (name, version, entry["display_id"])
        others = sorted(names - {entry["display_id"]})
        text += " (%s)" % ", ".join(others) if others else ""
        text += ": %s" % entry["summary"] if entry.get("summary") else ""
        fixed = entry.get("fix_versions") or []
        text += "; fixed in %s" % ", ".join(fixed) if fixed else "; no fix is known"
        severity = "error"
        for index, rule in enumerate(ignored):
            if rule["id"].lower() not in {known.lower() for known in names}:
                continue
            used.add(index)
            if "until" in rule and rule["until"] < today:
                text += "; it was ignored until %s" % rule["until"]
            else:
                severity = "note"
                text += "; ignored%s: %s" % (
                    " until %s" % rule["until"] if "until" in rule else "",
                    rule.get("reason", "no reason is given"),
                )
        count += severity == "note"
        file, line = place.get(normal(name), (None, None))
        result.find(text, rule=entry["display_id"], file=file, line=line, severity=severity)
        result.about(entry["display_id"], entry.get("summary"), entry.get("description"), entry.get("link"))
    for index, rule in enumerate(ignored):
        if index not in used:
            message = "audit-ignore has %s, which is not found any more" % rule["id"]
            result.find(message, rule="ignore", severity="warning")
        elif "reason" not in rule:
            result.find("audit-ignore has %s without a reason" % rule["id"], rule="ignore", severity="warning")
    return count


def statuses(result, entries, place):
    """What indexes say of whole projects (PEP 792): quarantined, archived, deprecated."""
    for entry in entries:
        name, status = entry["name"], entry["status"]
        text = "%s is %s" % (name, status) + (": %s" % entry["reason"] if entry.get("reason") else "")
        file, line = place.get(normal(name), (None, None))
        result.find(text, rule=status, file=file, line=line, severity=ADVERSE.get(status, "warning"))


if __name__ == "__main__":
    sys.exit(main())
