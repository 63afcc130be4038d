"""Combine the coverage of several runs of one suite, with the project's own coverage.py and its own configuration.

    python combine_coverage.py --data DIRECTORY --reports DIRECTORY --output FILE [--config FILE] [--needed PERCENT]

It is started where the tests were. The data files in --data are read and kept. --reports gets coverage.xml, coverage.json and
htmlcov/, --output what ci/src/pipeline/coverage.ts reads. Whether enough is covered is an answer and no failure.
"""

import argparse
import glob
import json
import os
import shutil
import sys
import tempfile

import coverage

WORST = 10
RANGES = 40
# This directory is no part of any project.
OURS = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--reports", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--config")
    parser.add_argument("--needed", type=float)
    options = parser.parse_args()
    os.makedirs(options.reports, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            answer = combined(options, scratch) if data_files(options.data) else {"schema": 1, "none": True}
        except coverage.CoverageException as error:
            sys.exit("coverage.py: %s" % error)
    with open(options.output, "w", encoding="ascii") as file:
        json.dump(answer, file)
    return 0


def data_files(directory):
    return sorted(glob.glob(os.path.join(glob.escape(directory), "*.data*")))


def combined(options, scratch):
    # A copy: what is combined is removed.
    files = [shutil.copy(path, scratch) for path in data_files(options.data)]
    cov = coverage.Coverage(data_file=os.path.join(scratch, "combined"), config_file=options.config or True)
    cov.set_option("report:omit", [*(cov.get_option("report:omit") or []), os.path.dirname(OURS) + "/*"])
    if coverage.version_info >= (7,):
        # A package that is installed is the same as its source. Only since version 7 the source has to be there for that.
        here = os.getcwd()
        paths = {"pyline-src": [here + "/src/", "*/site-packages/"], "pyline": [here + "/", "*/site-packages/"]}
        cov.set_option("paths", {**(cov.get_option("paths") or {}), **paths})
    cov.combine(files, strict=True)
    cov.save()
    document = os.path.join(options.reports, "coverage.json")
    cov.json_report(outfile=document, ignore_errors=True)
    cov.xml_report(outfile=os.path.join(options.reports, "coverage.xml"), ignore_errors=True)
    cov.html_report(directory=os.path.join(options.reports, "htmlcov"), ignore_errors=True)
    with open(document, encoding="utf-8") as file:
        report = json.load(file)
    totals = report["totals"]
    percent = totals["percent_covered"]
    print("%s %% covered, of %d statements" % (totals["percent_covered_display"], totals["num_statements"]))
    return {
        "schema": 1,
        "percent": percent,
        "shown": totals["percent_covered_display"],
        "statements": totals["num_statements"],
        "missing": totals["missing_lines"],
        **({"branches": totals["num_branches"]} if "num_branches" in totals else {}),
        "enough": options.needed is None or enough(percent, options.needed, cov.get_option("report:precision") or 0),
        "worst": worst(report["files"]),
    }


def enough(percent, needed, precision):
    """As coverage.py decides it: what is rounded up to 100 is not enough for 100."""
    if needed == 100 and percent != 100:
        return False
    return round(percent, precision) >= needed


def worst(files):
    """The files where most is missing."""
    found = []
    for name, entry in files.items():
        summary = entry["summary"]
        missing = summary["missing_lines"] + summary.get("missing_branches", 0)
        if missing:
            found.append((-missing, name, summary, entry.get("missing_lines", [])))
    return [
        {"file": name, "percent": summary["percent_covered_display"], "missing": ranges(lines)}
        for _, name, summary, lines in sorted(found, key=lambda item: item[:2])[:WORST]
    ]


def ranges(lines):
    """`3-5, 9` for the lines 3, 4, 5 and 9."""
    parts = []
    for line in sorted(lines):
        if parts and parts[-1][1] == line - 1:
            parts[-1][1] = line
        else:
            parts.append([line, line])
    words = ["%d" % a if a == b else "%d-%d" % (a, b) for a, b in parts]
    return ", ".join(words[:RANGES]) + (", …" if len(words) > RANGES else "")


if __name__ == "__main__":
    sys.exit(main())
