"""What came of a run: the verdict and result.json."""

import json
import os
import re
import signal
import sys
import time
from xml.parsers import expat

from pyline_suite.junit import COUNTS, MESSAGE, JUnit
from pyline_suite.stopped import stopped

SLOWEST = 20


def summarize(request, status, tail, seconds):
    """One run, as ci/src/pipeline/result.ts reads it; docs/result.md describes it."""
    runner, junit, name = request.runner, request.junit, request.options.name
    summary = {
        "name": name,
        "python": "%d.%d" % sys.version_info[:2],
        "runner": runner,
        "verdict": "aborted",
        "exitCode": status if status >= 0 else None,
        "signal": signal_name(-status) if status < 0 else None,
        "counts": dict.fromkeys(COUNTS, 0),
        "seconds": round(seconds, 3),
        "failures": [],
        "tail": [line[:MESSAGE] for line in tail.splitlines() if line.strip()][-10:],
    }
    try:
        results = JUnit().read(junit)
    except (OSError, ValueError, expat.ExpatError) as error:
        results = None
        summary["junitError"] = str(error)[:MESSAGE]
    if results is not None:
        summary["junit"] = "junit/%s.xml" % name
        summary["counts"] = results.counts()
        summary["failures"] = results.failures
        slowest = sorted(results.took.items(), key=lambda item: -item[1])[:SLOWEST]
        summary["slowest"] = [{"id": test, "seconds": round(took, 3)} for test, took in slowest if took >= 0.001]
    said = said_by_pytest(summary["tail"]) if runner == "pytest" and status in (0, 1, 2) else None
    if said is not None:
        summary["counts"] = said
    red = summary["counts"]["failed"] + summary["counts"]["errors"]
    ran = sum(summary["counts"].values())
    if status < 0:
        summary["verdict"] = "killed" if -status == signal.SIGKILL else "crashed"
    elif runner in ("tox", "nox"):
        sessions(runner, status, summary, results is not None, red, ran)
    elif results is None and said is None:
        # Ended in the middle: os._exit(0) in a test looks green to whoever only sees the exit status.
        pass
    elif status == 5 or (status == 0 and ran == 0):
        # pytest and, since Python 3.12, unittest end with 5. Everything deselected is no test either.
        summary["verdict"] = "no-tests"
    elif status == 0:
        summary["verdict"] = "passed"
    elif status in (1, 2) and red > 0:
        # 2 is "interrupted" in pytest, which errors in collection count as.
        summary["verdict"] = "failed"
    if summary["verdict"] == "passed" and red > 0:
        summary["verdict"] = "failed"
    if summary["verdict"] != "passed" and request.options.services:
        lost = unreachable(request.options.services)
        if lost:
            summary["lost"] = lost
    if request.workers:
        summary["workers"] = request.workers
    if request.coverage:
        summary["coverage"] = True
    if request.options.attempt:
        summary["attempt"] = request.options.attempt
    if request.options.shard:
        add_shard(summary, request)
    if summary["verdict"] == "no-tests" and request.options.allow_no_tests:
        summary["verdict"] = "passed"
    why = stopped(tail) if summary["verdict"] in ("killed", "crashed", "aborted") else None
    if why is not None:
        summary["stopped"] = why
    return summary


def unreachable(services):
    """Names of services that do not answer any more: tests that are red for that say nothing of the project."""
    return [host for host, port in services if not answers(host, port)]


def answers(host, port):
    import socket

    for _ in range(3):
        try:
            socket.create_connection((host, int(port)), timeout=3).close()
            return True
        except OSError:
            time.sleep(0.5)
    return False


def add_shard(summary, request):
    index, count = request.options.shard
    summary["shard"] = {"index": index, "count": count, **shard_size(request.shard_report)}
    # A small suite may have fewer tests than it has parts.
    if summary["verdict"] == "no-tests" and summary["shard"]["of"] > 0 and summary["shard"]["tests"] == 0:
        summary["verdict"] = "passed"


def shard_size(path):
    try:
        with open(path, encoding="ascii") as file:
            size = json.loads(file.read(1000))
        os.remove(path)
        return {"tests": int(size["tests"]), "of": int(size["of"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"tests": 0, "of": 0}


def sessions(runner, status, summary, reported, red, ran):
    """The verdict of sessions: their exit status, with the counts of those that pytest ran."""
    if status == 0 and not reported:
        # Sessions that are not pytest's have no counts: their exit status is all there is.
        summary["verdict"], summary["counts"]["passed"] = "passed", 1
    elif status == 0:
        summary["verdict"] = "passed" if ran else "no-tests"
    elif reported and ran == 0:
        summary["verdict"] = "no-tests"
    elif red == 0 and any(re.search(r"(?:exit code|exited with) -9\b", line) for line in summary["tail"]):
        summary["verdict"] = "killed"
    else:
        summary["verdict"] = "failed"
        if red == 0:
            # Not a test but a session, such as one whose environment could not be made.
            summary["counts"]["failed"] = 1
            summary["failures"] = [session_failure(runner, summary["tail"])]


def session_failure(runner, tail):
    """The session that failed and the last line that says why."""
    named = [re.search(r"nox > Session (.+) failed|^\s*(\S+): FAIL\b", line) for line in tail]
    names = [match[1] or match[2] for match in named if match]
    said = [line for line in tail if re.search("error", line, re.IGNORECASE)] or tail or [""]
    return {
        "id": " ".join([runner, *names[:1]])[:MESSAGE],
        "kind": "failed",
        "message": said[-1][:MESSAGE],
        "text": "\n".join(tail),
    }


def said_by_pytest(tail):
    """Counts of pytest's last line, where it printed one: its JUnit file has a test that passed and then failed in its
    teardown as one of them only."""
    for line in reversed(tail):
        line = re.sub(r"\x1b\[[0-9;]*m", "", line).strip("= ")
        match = re.match(r"^((?:\d{1,9} [a-z ]+, )*\d{1,9} [a-z ]+|no tests ran) in [\d.]+s(?: \([\d:]+\))?$", line)
        if match is None:
            continue
        counts = dict.fromkeys(COUNTS, 0)
        for number, word in re.findall(r"(\d+) ([a-z ]+)", match[1]):
            word = "errors" if word == "error" else word
            if word in counts:
                counts[word] = int(number)
        return counts
    return None


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def write_result(directory, run):
    """result.json of this run alone. A report of several is made of their parts."""
    result = {
        "schema": 2,
        "verdict": "passed" if run["verdict"] == "passed" else "failed",
        "counts": run["counts"],
        "seconds": run["seconds"],
        "runs": [run],
    }
    with open(os.path.join(directory, "result.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=2)
        file.write("\n")
