"""Run the tests of the project in the working directory and say what came of it.

    python run_tests.py --runner pytest|unittest|django|tox|nox --reports DIRECTORY --name NAME [--directory DIRECTORY]
        [--allow-no-tests] [-- ARGUMENT…]

What the tests print is passed on as it comes. DIRECTORY gets junit/NAME.xml and result.json. The exit status is
0 for green, 1 for red and 2 where there is no verdict; never more, so that none of the tests' can be taken for a signal.

It needs nothing but the standard library of Python 3.8: it runs in the project's own environment.
"""

import argparse
import os
import sys
import time

if sys.flags.isolated:
    # Then Python does not look beside its program.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.dont_write_bytecode = True

PROGRAM = os.path.abspath(__file__)


def main():
    if len(sys.argv) > 3 and sys.argv[1] == "child":
        from pyline_suite.unittest_runner import child

        return child(*sys.argv[2:4], sys.argv[4:])
    from pyline_suite.process import run
    from pyline_suite.result import summarize, write_result

    options, arguments = parse(sys.argv[1:])
    junit = os.path.join(options.reports, "junit", options.name + ".xml")
    os.makedirs(os.path.dirname(junit), exist_ok=True)
    started = time.monotonic()
    if options.directory:
        os.chdir(options.directory)
    if options.runner in ("tox", "nox"):
        from pyline_suite.sessions import gather, report_through_environment

        parts = report_through_environment(options.reports)
        status, tail = run(command(options.runner, junit, arguments))
        gather(parts, junit)
    else:
        status, tail = run(command(options.runner, junit, arguments))
    seconds = time.monotonic() - started
    summary = summarize(options.runner, status, junit, tail, seconds)
    if summary["verdict"] == "no-tests" and options.allow_no_tests:
        summary["verdict"] = "passed"
    write_result(options.reports, summary)
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
        return [sys.executable, PROGRAM, "child", runner, junit, *arguments]
    if runner in ("tox", "nox"):
        return [sys.executable, "-m", runner, *arguments]
    # Last, so that neither the project's own addopts nor an argument takes the report away; xunit1 has file and line,
    # and what a red test printed belongs to its report.
    ours = ["--junitxml=" + junit, "-o", "junit_family=xunit1"]
    ours += ["-o", "junit_logging=all", "-o", "junit_log_passing_tests=false"]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    return [sys.executable, "-m", "pytest", *arguments[:split], *ours, *arguments[split:]]


if __name__ == "__main__":
    sys.exit(main())
