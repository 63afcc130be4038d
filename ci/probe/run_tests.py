"""Run the tests of the project in the working directory and say what came of it.

    python run_tests.py --runner pytest|unittest|django|tox|nox --reports DIRECTORY --name NAME [--directory DIRECTORY]
        [--allow-no-tests] [--coverage add|project|run] [--workers auto|NUMBER] [--shard 2/5] [--durations DIRECTORY]
        [--services HOST:PORT,…] [--attempt WORD] [-- ARGUMENT…]

What the tests print is passed on as it comes. DIRECTORY gets junit/NAME.xml and result.json, and coverage/NAME.data where
coverage is measured. The exit status is 0 for green, 1 for red and 2 where there is no verdict; never more, so that none of
the tests' can be taken for a signal.

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
    if len(sys.argv) > 2 and sys.argv[1] == "child":
        from pyline_suite.child import child

        return child(sys.argv[2], sys.argv[3:])
    from pyline_suite.command import Request
    from pyline_suite.process import run
    from pyline_suite.result import summarize, write_result

    options, arguments = parse(sys.argv[1:])
    if options.directory:
        os.chdir(options.directory)
    request = Request(PROGRAM, options, arguments)
    started = time.monotonic()
    status, tail = run(request.command, request.environment)
    if request.sessions:
        from pyline_suite.sessions import gather

        gather(request.sessions, request.junit)
    seconds = time.monotonic() - started
    summary = summarize(request, status, tail, seconds)
    write_result(options.reports, summary)
    return {"passed": 0, "failed": 1, "no-tests": 1}.get(summary["verdict"], 2)


def parse(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", choices=("pytest", "unittest", "django", "tox", "nox"), required=True)
    parser.add_argument("--directory")
    parser.add_argument("--reports", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--allow-no-tests", action="store_true")
    parser.add_argument("--coverage", choices=("add", "project", "run"))
    parser.add_argument("--workers")
    parser.add_argument("--shard", type=lambda text: tuple(int(part) for part in text.split("/")))
    parser.add_argument("--durations")
    parser.add_argument("--services", type=lambda text: [part.rsplit(":", 1) for part in text.split(",") if part], default=[])
    # Of no effect but that another word is another run.
    parser.add_argument("--attempt")
    split = argv.index("--") if "--" in argv else len(argv)
    return parser.parse_args(argv[:split]), argv[split + 1 :]


if __name__ == "__main__":
    sys.exit(main())
