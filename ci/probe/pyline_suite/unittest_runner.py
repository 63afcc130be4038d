"""unittest's and Django's tests with a JUnit file of what came of them: what is started for these runners."""

import os
import re
import sys
import time
from xml.sax.saxutils import escape, quoteattr

from pyline_suite.shard import chosen


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
            mine = chosen([case.id() for case in cases(test)])
            result = super().run(test if mine is None else part(test, mine))
            write_junit(junit, result.records)
            return result

    return Runner


def cases(suite):
    """The tests of a suite, whatever suites it is made of."""
    try:
        members = list(suite)
    except TypeError:
        return [suite]
    return [case for member in members for case in cases(member)]


def part(suite, mine):
    """The suite with nothing but these tests in it. Its parts stay what they are: one may have fixtures of its own."""
    try:
        members = list(suite)
    except TypeError:
        return suite
    suite._tests = [part(member, mine) for member in members if any(case.id() in mine for case in cases(member))]
    return suite


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
