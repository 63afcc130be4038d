"""Run the tests of the project in the working directory and say what came of it.

    python run_tests.py --runner pytest|unittest|django|tox|nox --reports DIRECTORY --name NAME [--directory DIRECTORY]
        [--allow-no-tests] [-- ARGUMENT…]

What the tests print is passed on as it comes. DIRECTORY gets junit/NAME.xml, result.json and summary.md. The exit status is
0 for green, 1 for red and 2 where there is no verdict; never more, so that none of the tests' can be taken for a signal.

It needs nothing but the standard library of Python 3.8: it runs in the project's own environment.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

FAILURES = 200
MESSAGE = 400
JUNIT_BYTES = 256 * 1024 * 1024
TAIL_BYTES = 16384
COUNTS = ("passed", "failed", "errors", "skipped", "xfailed", "xpassed")


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "unittest-child":
        return unittest_child(sys.argv[2], sys.argv[3:])
    if len(sys.argv) > 1 and sys.argv[1] == "django-child":
        return django_child(sys.argv[2], sys.argv[3:])
    options, arguments = parse(sys.argv[1:])
    junit = os.path.join(options.reports, "junit", options.name + ".xml")
    os.makedirs(os.path.dirname(junit), exist_ok=True)
    started = time.monotonic()
    if options.directory:
        os.chdir(options.directory)
    if options.runner in ("tox", "nox"):
        report_through_environment(junit)
    status, tail = run(command(options.runner, junit, arguments))
    seconds = time.monotonic() - started
    summary = summarize(options.runner, status, junit, tail, seconds)
    if summary["verdict"] == "no-tests" and options.allow_no_tests:
        summary["verdict"] = "passed"
    write_reports(options.reports, options.name, summary)
    return {"passed": 0, "failed": 1, "no-tests": 1}.get(summary["verdict"], 2)


def parse(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", choices=("pytest", "unittest", "django", "tox", "nox"), required=True)
    parser.add_argument("--directory")
    parser.add_argument("--reports", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--allow-no-tests", action="store_true")
    split = argv.index("--") if "--" in argv else len(argv)
    return parser.parse_args(argv[:split]), argv[split + 1 :]


def command(runner, junit, arguments):
    if runner in ("unittest", "django"):
        return [sys.executable, os.path.abspath(__file__), runner + "-child", junit, *arguments]
    if runner in ("tox", "nox"):
        return [sys.executable, "-m", runner, *arguments]
    # Last, so that neither the project's own addopts nor an argument takes the report away; xunit1 has file and line.
    ours = ["--junitxml=" + junit, "-o", "junit_family=xunit1"]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    return [sys.executable, "-m", "pytest", *arguments[:split], *ours, *arguments[split:]]


def report_through_environment(junit):
    """Has pytest write its report wherever the project's own environments start it."""
    ours = "--junitxml=%s -o junit_family=xunit1" % junit
    os.environ["PYTEST_ADDOPTS"] = (os.environ.get("PYTEST_ADDOPTS", "") + " " + ours).strip()
    os.environ["TOX_OVERRIDE"] = "testenv.pass_env+=PYTEST_ADDOPTS"


def run(argv):
    """Run the tests; (status as subprocess has it, last of what they printed)."""
    read, write = os.pipe()
    child = subprocess.Popen(argv, stdout=write, stderr=write, stdin=subprocess.DEVNULL)
    os.close(write)
    tail = b""
    # The pipe stays open while anything the tests started holds it, so the end of the child ends the reading too.
    os.set_blocking(read, False)
    left = 1_000_000
    while left > 0:
        ended = child.poll() is not None
        data = read_some(read, 0.0 if ended else 0.1)
        if data:
            write_all(1, data)
            left -= len(data) if ended else 0
            tail = (tail + data)[-TAIL_BYTES:]
        elif ended or data == b"":
            break
    return child.wait(), tail.decode("utf-8", "replace")


def read_some(descriptor, timeout):
    """What there is to read: None for nothing yet, b"" for the end."""
    import select

    if not select.select([descriptor], [], [], timeout)[0]:
        return None
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return None


def write_all(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def summarize(runner, status, junit, tail, seconds):
    summary = {
        "schema": 1,
        "runner": runner,
        "verdict": "aborted",
        "exitCode": status if status >= 0 else None,
        "signal": signal_name(-status) if status < 0 else None,
        "counts": dict.fromkeys(COUNTS, 0),
        "seconds": round(seconds, 3),
        "failures": [],
        "junit": False,
        "tail": [line[:MESSAGE] for line in tail.splitlines() if line.strip()][-10:],
    }
    try:
        results = JUnit().read(junit)
    except (OSError, ValueError, expat.ExpatError) as error:
        results = None
        summary["junitError"] = str(error)[:MESSAGE]
    if results is not None:
        summary["junit"] = True
        summary["counts"] = results.counts()
        summary["failures"] = results.failures
    said = said_by_pytest(summary["tail"]) if runner == "pytest" and status in (0, 1, 2) else None
    if said is not None:
        summary["counts"] = said
    red = summary["counts"]["failed"] + summary["counts"]["errors"]
    ran = sum(summary["counts"].values())
    if status < 0:
        summary["verdict"] = "killed" if -status == signal.SIGKILL else "crashed"
    elif results is None and said is None and runner in ("tox", "nox") and status in (0, 1):
        # Sessions that are not pytest's have no counts: their exit status is all there is.
        summary["verdict"] = "passed" if status == 0 else "failed"
        if status != 0:
            summary["counts"]["failed"] = 1
            summary["failures"] = [{"id": runner, "kind": "failed", "message": (summary["tail"] or [""])[-1]}]
        else:
            summary["counts"]["passed"] = 1
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
    return summary


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


class JUnit:
    """Counts and failures of a JUnit file. The tests may have written what they like into it, so only so much is kept."""

    def __init__(self):
        self.totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        self.cases = dict.fromkeys(COUNTS, 0)
        self.failures = []
        self.depth = 0
        self.case = None
        self.outcome = None
        self.text = None

    def read(self, path):
        if os.path.getsize(path) > JUNIT_BYTES:
            raise ValueError("the JUnit file is larger than %d MB" % (JUNIT_BYTES // 1024 // 1024))
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self.refuse
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.characters
        with open(path, "rb") as file:
            parser.ParseFile(file)
        return self

    def refuse(self, *_):
        # A document type is where XML bombs are defined. No runner writes one.
        raise ValueError("the JUnit file has a document type")

    def start(self, tag, attributes):
        self.depth += 1
        if self.depth > 50:
            raise ValueError("the JUnit file is nested too deeply")
        if tag == "testsuite":
            for name in self.totals:
                self.totals[name] += whole(attributes.get(name))
        elif tag == "testcase":
            self.case = attributes
            self.outcome = "passed"
        elif tag in ("failure", "error", "skipped") and self.case is not None:
            if tag == "skipped":
                self.outcome = "xfailed" if attributes.get("type") == "pytest.xfail" else "skipped"
            else:
                self.outcome = "failed" if tag == "failure" else "errors"
                self.text = []
                self.message = attributes.get("message", "")

    def characters(self, data):
        if self.text is not None and len(self.text) < 2000:
            self.text.append(data)

    def end(self, tag):
        self.depth -= 1
        if tag in ("failure", "error") and self.text is not None:
            if len(self.failures) < FAILURES:
                self.failures.append(failure(self.case, tag, self.message, "".join(self.text)))
            self.text = None
        elif tag == "testcase" and self.case is not None:
            self.cases[self.outcome] += 1
            self.case = None

    def counts(self):
        """The suite's own totals say more than its elements: a test that passed and failed in teardown is both."""
        totals = self.totals
        passed = totals["tests"] - totals["failures"] - totals["errors"] - totals["skipped"]
        xfailed = min(self.cases["xfailed"], totals["skipped"])
        if passed < 0 or totals["tests"] < sum(self.cases.values()) - self.cases["errors"]:
            return dict(self.cases)
        return {
            "passed": passed,
            "failed": totals["failures"],
            "errors": totals["errors"],
            "skipped": totals["skipped"] - xfailed,
            "xfailed": xfailed,
            "xpassed": 0,
        }


def whole(value):
    return int(value) if value is not None and re.match(r"^\d{1,9}$", value) else 0


def failure(case, kind, message, text):
    file = case.get("file")
    line = int(case["line"]) + 1 if file and re.match(r"^\d{1,9}$", case.get("line", "")) else None
    lines = text.splitlines()
    # The last `path:line: ` of a traceback is where it failed, unless that is in a library.
    for entry in lines:
        match = re.match(r"^([\w./-]+\.py):(\d{1,9}): ", entry)
        if match and not match[1].startswith(("/", "..")) and (file is None or match[1] == file):
            file, line = match[1], int(match[2])
    first = next((entry[1:].strip() for entry in lines if re.match(r"^E\s", entry)), None)
    said = first or message.splitlines()[0] if (first or message) else ""
    fact = {"id": identifier(case, file), "kind": "failed" if kind == "failure" else "error"}
    if file:
        fact["file"] = file[:MESSAGE]
        if line is not None:
            fact["line"] = line
    if said:
        fact["message"] = said[:MESSAGE]
    return fact


def identifier(case, file):
    """`tests/test_a.py::TestB::test_c`, as pytest takes it."""
    name = case.get("name", "")
    classname = case.get("classname", "")
    if case.get("file") and not classname:
        # The module itself, which could not be collected.
        return case["file"][:MESSAGE]
    if case.get("file"):
        module = re.sub(r"\.py$", "", case["file"]).replace("/", ".")
        inner = classname[len(module) + 1 :] if classname.startswith(module) else ""
        return "::".join([case["file"], *(part for part in inner.split(".") if part), name])[:MESSAGE]
    return (classname + "." + name if classname else name)[:MESSAGE]


def verdict(summary):
    """`42 passed, 1 failed in 3.1 s`"""
    counts = summary["counts"]
    words = {"errors": "error" if counts["errors"] == 1 else "errors"}
    parts = ["%d %s" % (counts[key], words.get(key, key)) for key in counts if counts[key] > 0]
    return "%s in %.1f s" % (", ".join(parts) or "no tests", summary["seconds"])


def write_reports(directory, name, summary):
    with open(os.path.join(directory, "result.json"), "w", encoding="utf-8") as file:
        json.dump({**summary, "name": name}, file, indent=2)
        file.write("\n")
    lines = ["# Tests: %s" % summary["verdict"], "", verdict(summary), ""]
    if summary["failures"]:
        lines += ["| test | where | what |", "|---|---|---|"]
        for item in summary["failures"]:
            where = "%s:%s" % (item["file"], item.get("line", "")) if "file" in item else ""
            lines.append(
                "| %s | %s | %s |" % tuple(cell(text) for text in (item["id"], where, item.get("message", "")))
            )
        lines.append("")
    with open(os.path.join(directory, "summary.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def cell(text):
    """Text of a table's cell that stays text: tests choose it."""
    text = escape(re.sub(r"\s+", " ", text)).replace("|", "\\|").replace("`", "\\`")
    return text.replace("[", "\\[").replace("*", "\\*").replace("_", "\\_").replace("@", "&#64;")


# unittest


def unittest_child(junit, arguments):
    """`python -m unittest ARGUMENT…`, and a JUnit file."""
    import unittest

    # As with -m: what the tests import is looked for in the working directory, not beside this file.
    sys.path[0] = ""
    argv = ["python -m unittest", *arguments]
    program = unittest.main(module=None, argv=argv, testRunner=reporting_runner(junit), exit=False)
    if program.result.testsRun == 0 and not program.result.errors and not program.result.skipped:
        return 5
    return 0 if program.result.wasSuccessful() else 1


def django_child(junit, arguments):
    """`python manage.py test ARGUMENT…`, and a JUnit file: Django's runner is unittest's with a database."""
    import runpy
    import unittest

    sys.path[0] = os.getcwd()
    unittest.TextTestRunner = unittest.runner.TextTestRunner = reporting_runner(junit)
    sys.argv = ["manage.py", "test", *arguments]
    runpy.run_path("manage.py", run_name="__main__")
    return 0


def reporting_runner(junit):
    """unittest's runner, which also writes a JUnit file."""
    import unittest

    class Result(unittest.TextTestResult):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.records = []
            self.begun = {}

        def startTest(self, test):
            self.begun[test.id()] = time.monotonic()
            super().startTest(test)

        def record(self, test, outcome, text=""):
            seconds = time.monotonic() - self.begun.get(test.id(), time.monotonic())
            self.records.append((test, outcome, text, seconds))

        def addSuccess(self, test):
            super().addSuccess(test)
            self.record(test, "passed")

        def addError(self, test, err):
            super().addError(test, err)
            self.record(test, "error", self.errors[-1][1])

        def addFailure(self, test, err):
            super().addFailure(test, err)
            self.record(test, "failure", self.failures[-1][1])

        def addSubTest(self, test, subtest, err):
            super().addSubTest(test, subtest, err)
            if err is not None:
                failed = issubclass(err[0], test.failureException)
                self.record(
                    subtest, "failure" if failed else "error", (self.failures if failed else self.errors)[-1][1]
                )

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
            self.record(test, "skipped", reason)

        def addExpectedFailure(self, test, err):
            super().addExpectedFailure(test, err)
            self.record(test, "xfailed")

        def addUnexpectedSuccess(self, test):
            super().addUnexpectedSuccess(test)
            self.record(test, "failure", "Unexpected success")

    class Runner(unittest.TextTestRunner):
        resultclass = Result

        def run(self, test):
            result = super().run(test)
            write_junit(junit, result.records)
            return result

    return Runner


def write_junit(path, records):
    kinds = [outcome for _, outcome, _, _ in records]
    skipped = kinds.count("skipped") + kinds.count("xfailed")
    head = 'tests="%d" failures="%d" errors="%d" skipped="%d"' % (
        len(records), kinds.count("failure"), kinds.count("error"), skipped,
    )  # fmt: skip
    out = ['<?xml version="1.0" encoding="utf-8"?>', '<testsuites><testsuite name="unittest" %s>' % head]
    for test, outcome, text, seconds in records:
        attributes = 'classname=%s name=%s time="%.3f"' % (attribute(class_of(test)), attribute(name_of(test)), seconds)
        file, line = place_of(text, test)
        if file is not None:
            attributes += ' file=%s line="%d"' % (attribute(file), line - 1)
        out.append("<testcase %s>" % attributes)
        last = text.strip().splitlines()[-1] if text.strip() else ""
        if outcome in ("failure", "error"):
            out.append("<%s message=%s>%s</%s>" % (outcome, attribute(last), escape(clean(text)), outcome))
        elif outcome == "skipped":
            out.append("<skipped message=%s/>" % attribute(text))
        elif outcome == "xfailed":
            out.append('<skipped type="pytest.xfail" message="expected failure"/>')
        out.append("</testcase>")
    out.append("</testsuite></testsuites>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out))


def class_of(test):
    return (
        "%s.%s" % (type(test).__module__, type(test).__qualname__)
        if not hasattr(test, "test_case")
        else class_of(test.test_case)
    )


def name_of(test):
    if hasattr(test, "test_case"):
        return "%s %s" % (name_of(test.test_case), test._subDescription())
    return getattr(test, "_testMethodName", None) or str(test)


def place_of(text, test):
    """Where a test failed: the last line of the traceback that is in the project."""
    here = os.getcwd() + os.sep
    found = (None, 0)
    for match in re.finditer(r'^  File "(.+)", line (\d+)', text, re.MULTILINE):
        if match[1].startswith(here) and "site-packages" not in match[1]:
            found = (match[1][len(here) :], int(match[2]))
    return found


def attribute(text):
    return quoteattr(clean(text))


def clean(text):
    """Without the characters that XML 1.0 has no way to write."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)


if __name__ == "__main__":
    sys.exit(main())
