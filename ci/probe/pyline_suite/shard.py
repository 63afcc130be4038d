"""Which tests of a suite belong to a part of it.

Each machine decides for itself and all come to the same, since nothing but the names of the tests and the recorded durations
counts: each test is in exactly one part, and all parts together are the suite.
"""

import json
import os
from xml.parsers import expat

from pyline_suite.junit import JUnit

FILES = 500
# What a test costs beside its own time, so that tests too quick to be timed are spread as well.
LEAST = 0.002
# A file stays in one part, as its fixtures are made once then, unless it is so much of a part.
LARGE = 0.25


def assign(tests, durations, count):
    """The part (from 1) of each test. `tests` are ids such as `tests/test_a.py::test_b`."""
    known = sorted(durations[test] for test in set(tests) if test in durations)
    # A test that is new is taken for an ordinary one.
    usual = known[len(known) // 2] if known else 1.0
    weights = {test: max(durations.get(test, usual), 0.0) + LEAST for test in set(tests)}
    files = {}
    for test in sorted(weights):
        files.setdefault(file_of(test), []).append(test)
    limit = LARGE * sum(weights.values()) / count
    units = []
    for file in sorted(files):
        members = files[file]
        weight = sum(weights[test] for test in members)
        units += [(weights[test], [test]) for test in members] if weight > limit else [(weight, members)]
    parts = {}
    loads = [0.0] * count
    for weight, members in sorted(units, key=lambda unit: (-unit[0], unit[1][0])):
        part = loads.index(min(loads))
        loads[part] += weight
        for test in members:
            parts[test] = part + 1
    return parts


def file_of(test):
    """`tests/test_a.py` of a test of pytest, the class of one of unittest."""
    return test.split("::", 1)[0] if "::" in test else test.rpartition(".")[0]


def chosen(tests):
    """Of these the tests of the part that run_tests.py was asked for; None where it was asked for all."""
    text = os.environ.get("PYLINE_SHARD")
    if not text:
        return None
    spec = json.loads(text)
    known = recorded(spec["durations"], spec["name"]) if spec["durations"] else {}
    parts = assign(tests, known, spec["count"])
    mine = {test for test in tests if parts[test] == spec["index"]}
    report = {"tests": len(mine), "of": len(set(tests))}
    # Workers of pytest-xdist all come here, and say the same.
    draft = "%s.%d" % (spec["report"], os.getpid())
    with open(draft, "w", encoding="ascii") as file:
        json.dump(report, file)
    os.replace(draft, spec["report"])
    return mine


def recorded(directory, name):
    """Seconds of each test in the JUnit files of an earlier run: of this version of Python where there are any."""
    paths = []
    for folder, _, names in os.walk(directory):
        paths += [os.path.join(folder, file) for file in names if file.endswith(".xml")]
    paths = sorted(paths)[:FILES]
    own = [path for path in paths if os.path.basename(path).startswith(name)]
    seconds = {}
    for path in own or paths:
        try:
            times = JUnit().read(path).times
        except (OSError, ValueError, expat.ExpatError):
            continue
        for test, time in times.items():
            seconds[test] = max(time, seconds.get(test, 0.0))
    return seconds
