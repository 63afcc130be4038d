"""What the page shows, out of a report folder. `result.json` is the module's own, so its form is known; what stands in it, and
everything else, was written in a container in which the project's code ran: bounded, and never trusted."""

import json
import os

from coverage import Coverage
from junit import Case, JUnit
from text import line


class Test:
    """One test in all runs that had it."""

    def __init__(self, case):
        self.id = line(case.id, 600)
        self.file = line(case.file) if case.file else None
        # Cases by the name of the run.
        self.cases = {}

    @property
    def is_red(self):
        return any(case.is_red for case in self.cases.values())

    @property
    def seconds(self):
        return max(case.seconds for case in self.cases.values())


class Model:
    def __init__(self, directory, context, sarif=()):
        self.plan = context.get("plan") or {}
        with open(os.path.join(directory, "result.json"), encoding="utf-8") as file:
            self.result = json.load(file)
        self.runs = self.result["runs"]
        self.checks = self.result["checks"]
        self.coverage = Coverage(os.path.join(directory, "coverage.xml"))
        self.files = [name for name in sorted(os.listdir(directory)) if name in sarif or not name.endswith(".sarif")]
        self.tests = {}
        self.left_out = 0
        for run in self.runs:
            for case in self._cases(directory, run):
                test = self.tests.setdefault(case.id, Test(case))
                known = test.cases.get(run["name"])
                # A test can be in the file twice: it failed, and then its teardown did.
                if known is None or not known.is_red:
                    test.cases[run["name"]] = case

    def _cases(self, directory, run):
        path = os.path.join(directory, run.get("junit") or "-")
        if os.path.isfile(path) and not os.path.islink(path):
            junit = JUnit().read(path)
            self.left_out += junit.left_out
            said = {failure["id"]: failure.get("message") for failure in run["failures"]}
            for case in junit.cases:
                # What was compared, and not only that it was wrong.
                case.message = said.get(case.id) or case.message
            if junit.cases:
                return junit.cases
        # What the run itself says of its red tests is all there is.
        return [Case.of_failure(failure) for failure in run["failures"]]

    @property
    def red(self):
        """Failing tests in the order in which they ran."""
        return [test for test in self.tests.values() if test.is_red]
