"""The command that runs the tests, and what is in its environment."""

import glob
import json
import os
import sys

from pyline_suite.workers import workers


class Request:
    """What is to be run. Everything is decided before; what is asked of this machine is what is installed and how many
    CPUs there are."""

    def __init__(self, program, options, arguments):
        self.program = program
        self.options = options
        self.runner = options.runner
        self.junit = os.path.join(options.reports, "junit", options.name + ".xml")
        self.shard_report = os.path.join(options.reports, "shard.json")
        self.environment = dict(os.environ)
        os.makedirs(os.path.dirname(self.junit), exist_ok=True)
        # A requirement with a marker may not be for this version of Python.
        self.coverage = options.coverage
        if self.coverage and not installed("coverage" if self.coverage == "run" else "pytest_cov"):
            self.coverage = None
        self.workers = workers(options.workers) if options.workers and installed("xdist") else 0
        if self.coverage:
            data = os.path.join(options.reports, "coverage")
            os.makedirs(data, exist_ok=True)
            self.environment["COVERAGE_FILE"] = os.path.join(data, options.name + ".data")
        if options.shard:
            self.environment["PYLINE_SHARD"] = json.dumps(self.shard())
        self.sessions = None
        if self.runner in ("tox", "nox"):
            from pyline_suite.sessions import report_through_environment

            self.sessions = report_through_environment(self.environment, options.reports)
        self.command = self.make(arguments)

    def make(self, arguments):
        if self.runner in ("tox", "nox"):
            return [sys.executable, "-m", self.runner, *arguments]
        under = ["-m", "coverage", "run"] if self.coverage == "run" else []
        if self.runner in ("unittest", "django"):
            return [sys.executable, *under, self.program, "child", self.runner, self.junit, *arguments]
        split = arguments.index("--") if "--" in arguments else len(arguments)
        words = [*arguments[:split], *self.for_pytest(), *arguments[split:]]
        if self.options.shard:
            # The same, but that it finds a plugin of ours.
            return [sys.executable, *under, self.program, "child", "pytest", *words]
        return [sys.executable, *under, "-m", "pytest", *words]

    def for_pytest(self):
        # Last, so that neither the project's own addopts nor an argument takes the report away; xunit1 has file and line,
        # and what a red test printed belongs to its report.
        ours = ["--junitxml=" + self.junit, "-o", "junit_family=xunit1"]
        ours += ["-o", "junit_logging=all", "-o", "junit_log_passing_tests=false"]
        if self.coverage == "add":
            ours += ["--cov", "--cov-report="]
        if self.coverage in ("add", "project"):
            # What is needed is needed of all versions and parts together, and looked at there.
            ours.append("--cov-fail-under=0")
        if self.workers:
            ours.append("--numprocesses=%d" % self.workers)
        if self.options.shard:
            ours += ["-p", "pyline_suite.pytest_plugin"]
        return ours

    def shard(self):
        index, count = self.options.shard
        return {
            "index": index,
            "count": count,
            "durations": self.options.durations,
            "name": self.options.name.split("-shard-")[0],
            "report": os.path.abspath(self.shard_report),
        }


def installed(module):
    """Whether the project's environment has it. This program runs without site, and sees nothing of it itself."""
    environment = os.environ.get("VIRTUAL_ENV")
    if not environment:
        return True
    return bool(glob.glob(os.path.join(glob.escape(environment), "lib", "python*", "site-packages", module)))
