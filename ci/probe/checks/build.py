"""The verdict on an sdist and the wheel made from it.

    python build.py --reports DIRECTORY --dist DIRECTORY --facts FILE [--directory PATH] [--stand-in VERSION | --asked VERSION]
        [--tried FILE] [--with-extras FILE] [--ignore RULE[:WHAT]]…
    python build.py --reports DIRECTORY --skipped WHY

--facts is what make_dist.py wrote, --tried what try_dist.py wrote of the wheel in a clean environment, and --with-extras the
same of what did not work there. It runs in the toolbox, with `packaging` and `readme_renderer`, and nothing of the project.
"""

import argparse
import json
import os
import sys

from dist_contents import check_contents
from dist_files import Sdist, Unreadable, Wheel
from dist_metadata import check_metadata, plain
from dist_tried import check_tried
from result import Result


class Findings:
    """Takes findings, without those that the settings ignore."""

    def __init__(self, result, directory, ignored):
        self.result = result
        self.directory = directory
        self.ignored = ignored
        self.used = set()
        self.seen = set()
        self.red = []

    def __call__(self, rule, message, *, about=None, file=None, line=None, severity="error"):
        # The wheel of an sdist has its mistakes again.
        if (rule, about or message) in self.seen:
            return
        self.seen.add((rule, about or message))
        key = rule if about is None else "%s:%s" % (rule, about)
        for wanted in sorted({rule, key}):
            if wanted in self.ignored:
                self.used.add(wanted)
                severity, message = "note", "%s (ignored: %s)" % (message, wanted)
        if severity == "error" and rule != "archive":
            self.red.append(key)
        if file is not None and self.directory:
            file = "%s/%s" % (self.directory, file)
        self.result.find(message, rule=rule, file=file, line=line, severity=severity)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", required=True)
    parser.add_argument("--skipped")
    parser.add_argument("--dist")
    parser.add_argument("--facts")
    parser.add_argument("--directory", default="")
    parser.add_argument("--stand-in")
    parser.add_argument("--asked")
    parser.add_argument("--tried")
    parser.add_argument("--with-extras")
    parser.add_argument("--ignore", action="append", default=[])
    options = parser.parse_args()
    result = Result("build")
    if options.skipped is not None:
        result.outcome, result.summary = "skipped", options.skipped
        return result
    result.reproduce = "uv build"
    found = Findings(result, options.directory, options.ignore)
    with open(options.facts, encoding="utf-8") as file:
        facts = json.load(file)
    result.started -= facts["seconds"]
    try:
        sdist = Sdist(os.path.join(options.dist, facts["sdist"]))
        wheel = Wheel(os.path.join(options.dist, facts["wheel"]))
    except Unreadable as error:
        found("archive", "%s" % error)
        return verdict(result, "the archives")
    raw = check_metadata(sdist, wheel, found, facts["licences"])
    check_contents(sdist, wheel, raw, found)
    tried, seconds = check_tried(options.tried, options.with_extras, sdist, found)
    result.started -= seconds
    if options.stand_in is not None:
        message = "the version %s is a guess: the project takes its own from git; tell it with --package-version"
        found("version", message % options.stand_in, about="stand-in", severity="warning")
    if options.asked is not None and plain(options.asked) != plain(raw.get("version", "")):
        message = "the version asked for is %s, and the project says %s"
        found("version", message % (options.asked, raw.get("version", "nothing")), about="asked")
    for unused in sorted(set(options.ignore) - found.used):
        result.find("build-ignore has %s, and nothing like that was found" % unused, rule="ignore", severity="warning")
    if found.red:
        names = ", ".join('"%s"' % key for key in dict.fromkeys(found.red))
        result.detail = "if that is meant to be so: [tool.pyline] build-ignore = [%s]" % names
    return verdict(result, "%s %s" % (raw.get("name", "the project"), raw.get("version", "")), (sdist, wheel), tried)


def verdict(result, what, archives=(), tried=""):
    errors, warnings = result.count(), result.count("warning")
    parts = ["%d %s%s" % (n, word, "" if n == 1 else "s") for n, word in ((errors, "error"), (warnings, "warning")) if n]
    if errors:
        result.outcome, result.summary = "failed", "%s: %s" % (what.strip(), ", ".join(parts))
    else:
        made = ["%s (%s)" % (archive.file, size(archive.size)) for archive in archives]
        result.outcome, result.summary = "passed", ", ".join([*made, *([tried] if tried else []), *parts])
    return result


def size(count):
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return "%.3g %s" % (count, unit)
        count /= 1000
    return "%.3g GB" % count


if __name__ == "__main__":
    reports = sys.argv[sys.argv.index("--reports") + 1]
    sys.exit(main().end(reports))
