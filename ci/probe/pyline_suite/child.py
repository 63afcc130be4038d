"""What `run_tests.py` starts where the runner cannot be started as it is."""

import os
import runpy
import sys


def child(runner, arguments):
    if runner == "pytest":
        return pytest_child(arguments)
    from pyline_suite.unittest_runner import django_child, unittest_child

    return (django_child if runner == "django" else unittest_child)(arguments[0], arguments[1:])


def pytest_child(arguments):
    """`python -m pytest ARGUMENT…`, which finds our plugins, as do the workers that it starts."""
    sys.path.append(sys.path[0])
    sys.path[0] = os.getcwd()
    sys.argv = ["pytest", *arguments]
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    return 0
