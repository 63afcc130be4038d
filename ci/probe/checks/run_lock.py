"""Say whether the lock of the project in the working directory is what its manifest says.

    python run_lock.py --reports DIRECTORY --lock FILE

FILE is JSON, the `lock` of a plan (ci/src/project/plan.ts). For `uv` it is asked, which writes nothing; the others were compared
when the facts were read. Result and exit status are those of result.py.
"""

import argparse
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from process import Unable, run  # noqa: E402
from result import Result  # noqa: E402

STALE = re.compile(r"lockfile (?:at .+ )?needs to be updated", re.IGNORECASE)
NETWORK = re.compile(
    r"dns error|failed to lookup|connection (?:refused|reset)|timed? ?out|tls handshake|certificate|error sending request"
    r"|failed to fetch|could not connect|network is unreachable|name resolution|5\d\d ",
    re.IGNORECASE,
)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", required=True)
    parser.add_argument("--lock", required=True)
    options = parser.parse_args()
    with open(options.lock, encoding="utf-8") as file:
        lock = json.load(file)
    result = Result("lock")
    if lock is None:
        result.outcome, result.summary = "skipped", "the project has no lock that could be compared with anything"
    elif lock["kind"] == "same":
        result.outcome, result.summary = "passed", "%s matches %s (%s)" % (lock["file"], lock["manifest"], lock["how"])
    elif lock["kind"] == "compiled":
        compiled(lock["lists"], result)
    else:
        try:
            uv(result)
        except Unable as error:
            result.errored(error.summary, error.detail, error.cause)
    return result.end(options.reports)


def compiled(lists, result):
    for item in lists:
        for unmet in item["unmet"]:
            result.find(
                "%s does not match: %s" % (item["file"], unmet["message"]), file=item["from"], line=unmet["line"], rule="lock-stale"
            )
    stale = sorted({item["file"] for item in lists if item["unmet"]})
    names = ", ".join(item["file"] for item in lists)
    if stale:
        result.outcome, result.summary = "failed", "%s is behind the list that it was compiled from" % ", ".join(stale)
        result.reproduce = "pip-compile " + " ".join(item["from"] for item in lists if item["unmet"])
    else:
        result.outcome, result.summary = "passed", "%s has all that is asked for" % names


def uv(result):
    result.reproduce = "uv lock --check"
    ran = run("uv", ["uv", "lock", "--check", "--python", "/usr/local/bin/python"])
    if ran.status == 0:
        result.outcome, result.summary = "passed", "uv.lock matches pyproject.toml"
    elif STALE.search(ran.stderr):
        result.find("uv.lock does not match it: run uv lock, then commit uv.lock", file="pyproject.toml", rule="lock-stale")
        result.outcome, result.summary = "failed", "uv.lock does not match pyproject.toml"
    elif NETWORK.search(ran.stderr):
        raise ran.unable("machine", "uv could not reach a package index")
    elif re.search(r"no solution found|because .+ (?:depends on|requires)", ran.stderr, re.IGNORECASE):
        result.find("its dependencies cannot be locked together", file="pyproject.toml", rule="lock-impossible")
        result.outcome, result.summary, result.detail = "failed", "no lock can match pyproject.toml", ran.stderr
    else:
        raise ran.unable()


if __name__ == "__main__":
    sys.exit(main())
